import { outcomeOf, type Standing } from './outcome';

const standing = (given: Partial<Standing>): Standing => ({ state: 'connected', appliedRevision: undefined, revision: undefined, etag: undefined, transport: 'socket.io', ...given });
const applied = (revision: number, etag: string): Standing => standing({ state: 'applied', appliedRevision: revision, revision, etag });
const refused = (revision: number, etag: string, appliedRevision?: number): Standing => standing({ state: 'refused', appliedRevision, revision, etag });

describe('given revision 5, which left the config at ETag e', () => {
  it.each<[string, Standing, string]>([
    ['has applied it', applied(5, 'e'), 'taken'],
    ['has applied something newer', applied(7, 'other'), 'taken'],
    ['applied something older with other content', applied(4, 'd'), 'pending'],
    ['applied something older with the content that is newest', applied(2, 'e'), 'taken'],
    ['has refused it', refused(5, 'e', 4), 'refused'],
    ['has refused something newer, and never ran it', refused(6, 'f', 4), 'refused'],
    ['ran it and refused something newer', refused(6, 'f', 5), 'taken'],
    ['refused something older, and is being sent this', refused(4, 'd', 3), 'pending'],
    ['refused the same content at an older revision, and is sent nothing', refused(4, 'e', 3), 'refused'],
    ['came back with the content that is newest', standing({ revision: 4, etag: 'e' }), 'taken'],
    ['knows how far the log is and holds older content', standing({ revision: 9, etag: 'd' }), 'pending'],
    ['has just begun, with nothing', standing({}), 'pending'],
    ['streams, and holds who knows what', standing({ transport: 'sse', etag: 'd' }), 'silent'],
    ['streams, and came with the content that is newest', standing({ transport: 'sse', etag: 'e' }), 'taken'],
    ['polls with older content', standing({ transport: 'long-poll', etag: 'd' }), 'pending'],
    ['polls and keeps no ETag', standing({ transport: 'long-poll', revision: 5 }), 'silent'],
  ])('an instance that %s', (_what, instance, outcome) => {
    expect(outcomeOf(instance, 5, 'e')).toBe(outcome);
  });

  it('goes by reports alone while the newest content is not known', () => {
    expect(outcomeOf(applied(5, 'e'), 5, undefined)).toBe('taken');
    expect(outcomeOf(applied(2, 'e'), 5, undefined)).toBe('pending');
    expect(outcomeOf(standing({}), 5, undefined)).toBe('pending');
  });
});
