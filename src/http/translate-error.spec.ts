import { HttpException, NotFoundException } from '@nestjs/common';
import { QueryFailedError } from 'typeorm';
import { DomainError } from '../kernel/domain-error';
import { problemOf } from './problem';
import { translateError } from './translate-error';

const driverError = (code: string): Error => Object.assign(new Error('secret: host 10.0.0.1'), { code, severity: 'ERROR' });
const fastifyError = (code: string, statusCode: number): Error => Object.assign(new Error('inside'), { name: 'FastifyError', code, statusCode });

describe('given an error of whatever kind', () => {
  it.each([
    ['a domain error', new DomainError('name_taken', 'x'), 'name_taken'],
    ['a Nest exception', new NotFoundException('Cannot GET /x'), 'route_not_found'],
    ["Fastify's 415", fastifyError('FST_ERR_CTP_INVALID_MEDIA_TYPE', 415), 'unsupported_media_type'],
    ["Fastify's 413, wrapped by Nest", new HttpException('x', 413, { cause: fastifyError('FST_ERR_CTP_BODY_TOO_LARGE', 413) }), 'payload_too_large'],
    ['a malformed URL', fastifyError('FST_ERR_BAD_URL', 400), 'malformed_request'],
    ['a path that is too long', new HttpException('x', 414, { cause: fastifyError('FST_ERR_MAX_PARAM_LENGTH', 414) }), 'malformed_request'],
    ['a timeout of Fastify', fastifyError('FST_ERR_HANDLER_TIMEOUT', 503), 'unavailable'],
    ['a refused connection', Object.assign(new Error('x'), { code: 'ECONNREFUSED', syscall: 'connect' }), 'unavailable'],
    ['refused connections to every address', new AggregateError([Object.assign(new Error('x'), { code: 'ECONNREFUSED', syscall: 'connect' })]), 'unavailable'],
    ['a server that shuts down', new QueryFailedError('SELECT', [], driverError('57P01')), 'unavailable'],
    ['a statement that took too long', new QueryFailedError('SELECT', [], driverError('57014')), 'unavailable'],
    ['an exhausted pool', new Error('timeout exceeded when trying to connect'), 'unavailable'],
    ['a lost connection', new Error('Connection terminated unexpectedly'), 'unavailable'],
    ['a NUL that got as far as the database', new QueryFailedError('SELECT', [], driverError('22021')), 'malformed_request'],
    ['a constraint nobody expected', new QueryFailedError('SELECT', [], driverError('23505')), 'internal'],
    ['a defect', new TypeError('x is not a function'), 'internal'],
    ['a missing file', Object.assign(new Error('x'), { code: 'ENOENT', syscall: 'open' }), 'internal'],
    ['something that is no error', 'boom', 'internal'],
    ['nothing at all', undefined, 'internal'],
  ])('calls %s by its code', (_name, error, code) => {
    expect(translateError(error).code).toBe(code);
  });

  it('tells nothing of the inside', () => {
    for (const error of [new QueryFailedError('SELECT secret', ['secret'], driverError('23505')), new QueryFailedError('SELECT secret', [], driverError('57P01')), new Error('secret')]) {
      expect(JSON.stringify(problemOf(error, 'r1').problem)).not.toMatch(/secret|SELECT|10\.0\.0\.1/);
    }
  });

  it('asks for a credential with 401 and for patience with 503', () => {
    expect(problemOf(new DomainError('unauthenticated', 'x'), 'r1').headers).toMatchObject({ 'www-authenticate': 'Bearer realm="trimtab"' });
    expect(problemOf(new DomainError('unavailable', 'x'), 'r1').headers).toMatchObject({ 'retry-after': '1' });
  });

  it('does not let an extra member replace one of the standard', () => {
    const { problem } = problemOf(new DomainError('change_conflict', 'x', { extra: { status: 'open', base: 1 } }), 'r1');
    expect(problem).toMatchObject({ status: 409, base: 1, requestId: 'r1', type: '/docs/errors#change_conflict' });
  });
});
