import type { ConnectErrorData } from '@trimtab/client/protocol';
import { DomainError } from '../kernel/domain-error';
import type { ErrorKind } from '../kernel/error-codes';

/** What will be the same however often the client asks. What does not exist yet may exist later. */
const FINAL: readonly ErrorKind[] = ['malformed', 'unauthenticated', 'forbidden'];

/** Why a client is not let in, as it is told. Nothing of the inside is told. */
export function connectErrorOf(error: unknown): ConnectErrorData {
  if (error instanceof DomainError) return { code: error.code, detail: error.message, retry: !FINAL.includes(error.kind) };
  return { code: 'unavailable', detail: 'The server cannot let you in right now.', retry: true };
}
