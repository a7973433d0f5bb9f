import { Company, FairRate } from './fair-rate';

let now = 0;
const clock = (): number => now;
const fairRate = (company: Company): FairRate => new FairRate({ perSecond: 10, burst: 20 }, company, clock);
const refused = (rate: FairRate, key: string, times: number): number => Array.from({ length: times }, () => rate.take(key)).filter((waitMs) => waitMs > 0).length;

beforeEach(() => (now = 1_000_000));

it('leaves whoever is alone as much as there is', () => {
  expect(refused(fairRate(new Company(clock)), 'a', 1_000)).toBe(0);
});

it('holds one caller to its rate while another is there, and lets the other through', () => {
  const rate = fairRate(new Company(clock));
  refused(rate, 'flood', 1_000);
  expect(rate.take('quiet')).toBe(0);
  expect(refused(rate, 'flood', 1_000)).toBe(1_000);
  expect(rate.take('quiet')).toBe(0);
  now += 1_000;
  rate.take('quiet');
  expect(refused(rate, 'flood', 1_000)).toBe(990);
});

it('counts as company whoever is there for something else', () => {
  const company = new Company(clock);
  const [reads, requests] = [fairRate(company), fairRate(company)];
  refused(reads, 'flood', 1_000);
  requests.take('quiet');
  expect(refused(reads, 'flood', 10)).toBe(10);
});

it('lets it go on when the other has gone', () => {
  const rate = fairRate(new Company(clock));
  refused(rate, 'flood', 1_000);
  rate.take('quiet');
  expect(refused(rate, 'flood', 10)).toBe(10);
  now += 1_000;
  expect(refused(rate, 'flood', 1_000)).toBe(0);
});
