import { DomainError } from '../kernel/domain-error';

export function malformed(detail: string, pointer?: string): DomainError {
  return new DomainError('malformed_request', detail, pointer === undefined ? {} : { pointer });
}
