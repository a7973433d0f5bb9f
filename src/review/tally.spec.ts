import fc from 'fast-check';
import type { LastingActor } from '../kernel/actor';
import type { ChangeReview, Verdict } from './change-review.entity';
import { isWriter, tally, type TallyBasis } from './tally';

const person = (id: string): LastingActor => ({ kind: 'session', id: `session of ${id}`, name: id, person: { id, name: id } });
const token = (id: string): LastingActor => ({ kind: 'token', id, name: id });

const review = (personId: string, verdict: Verdict, edition: number, withdrawn = false): ChangeReview => ({
  id: 1,
  changeId: 1,
  edition,
  verdict,
  personId,
  reviewer: person(personId),
  comment: '',
  createdAt: new Date(0),
  withdrawnAt: withdrawn ? new Date(0) : null,
});

const basis = (overrides: Partial<TallyBasis> = {}): TallyBasis => ({
  edition: 3,
  writers: [person('ada')],
  makers: new Set(),
  reviewers: new Set(['ada', 'ben', 'eve']),
  ...overrides,
});

const names = (reviews: readonly ChangeReview[]): string[] => reviews.map(({ personId }) => personId);

describe('given what people have said of a change', () => {
  it('counts approvals of the present edition, by people who may give them and have not written it', () => {
    const said = [review('ben', 'approve', 3), review('eve', 'approve', 2), review('ada', 'approve', 3), review('guy', 'approve', 3), review('eve', 'approve', 3, true)];
    expect(names(tally(said, basis()).approvals)).toEqual(['ben']);
  });

  it('counts requests for changes of any edition, as long as whoever asked may approve', () => {
    const said = [review('ben', 'request-changes', 1), review('guy', 'request-changes', 3), review('eve', 'request-changes', 3, true)];
    expect(names(tally(said, basis()).requests)).toEqual(['ben']);
  });

  it('takes whoever made a token for a writer of what the token has written', () => {
    expect(names(tally([review('ben', 'approve', 3), review('eve', 'approve', 3)], basis({ writers: [token('pipeline')], makers: new Set(['eve']) })).approvals)).toEqual(['ben']);
  });

  it('takes a person for the same with whatever credential', () => {
    expect(isWriter({ ...token('other'), person: { id: 'ada', name: 'Ada' } }, [person('ada')], new Set())).toBe(true);
  });

  it('never counts more than was said of this edition by others', () => {
    const who = fc.constantFrom<string>('ada', 'ben', 'eve', 'guy');
    const said = fc.array(fc.record({ who, verdict: fc.constantFrom<Verdict>('approve', 'request-changes'), edition: fc.integer({ min: 1, max: 4 }), withdrawn: fc.boolean() }));
    fc.assert(
      fc.property(said, fc.uniqueArray(who), fc.uniqueArray(who), fc.integer({ min: 1, max: 4 }), (list, writers, reviewers, edition) => {
        const reviews = list.map((one) => review(one.who, one.verdict, one.edition, one.withdrawn));
        const counted = tally(reviews, basis({ edition, writers: writers.map(person), reviewers: new Set(reviewers) }));
        const expected = reviews.filter(
          (one) => one.verdict === 'approve' && one.edition === edition && !one.withdrawnAt && reviewers.includes(one.personId) && !writers.includes(one.personId),
        );
        expect(counted.approvals).toEqual(expected);
        expect(counted.requests).toEqual(reviews.filter((one) => one.verdict === 'request-changes' && !one.withdrawnAt && reviewers.includes(one.personId)));
      }),
    );
  });
});
