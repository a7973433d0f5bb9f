import { describeError } from './logging';

it('tells of an error only what it is, however much hangs on it', () => {
  const value = 'what somebody wrote into a document';
  const driverError = Object.assign(new Error('duplicate key'), { code: '23505', detail: `Key (content)=(${value}) already exists.` });
  const error = Object.assign(new Error('duplicate key', { cause: driverError }), { query: 'INSERT …', parameters: [value], driverError });
  expect(JSON.stringify(describeError(error))).not.toContain(value);
  expect(describeError(error)).toMatchObject({ type: 'Error', message: 'duplicate key', cause: { code: '23505' } });
});

it('ends a chain of causes that does not end', () => {
  const error: Error = new Error('again');
  error.cause = error;
  expect(JSON.stringify(describeError(error)).split('"again"')).toHaveLength(6);
});
