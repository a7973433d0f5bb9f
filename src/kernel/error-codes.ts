/**
 * What kind of failure a code is. The edge turns the kind into an HTTP status; nothing below the edge knows about HTTP.
 */
export type ErrorKind =
  | 'malformed'
  | 'invalid'
  | 'unauthenticated'
  | 'forbidden'
  | 'not-found'
  | 'conflict'
  | 'precondition'
  | 'too-large'
  | 'unsupported'
  | 'too-many'
  | 'unavailable'
  | 'internal';

interface ErrorEntry {
  readonly kind: ErrorKind;
  /** The same short sentence for every occurrence: the `title` of RFC 9457. */
  readonly title: string;
}

/**
 * Every error code of the API. Codes are stable: clients branch on them, so one is added, never renamed.
 * `docs/errors.md` lists them with what to do; a spec holds the two equal.
 */
export const ERROR_CODES = {
  malformed_request: { kind: 'malformed', title: 'The request is not of the expected shape.' },
  invalid_utf8: { kind: 'malformed', title: 'The text is not valid UTF-8.' },

  unauthenticated: { kind: 'unauthenticated', title: 'A valid credential is needed.' },
  sign_in_failed: { kind: 'unauthenticated', title: 'Login or password is wrong.' },
  forbidden: { kind: 'forbidden', title: 'The credential does not allow this.' },
  csrf_refused: { kind: 'forbidden', title: 'The request does not come from a page of this server.' },
  approval_not_allowed: { kind: 'forbidden', title: 'A review by this caller would not count.' },

  route_not_found: { kind: 'not-found', title: 'There is no such route.' },
  environment_not_found: { kind: 'not-found', title: 'There is no such environment.' },
  service_not_found: { kind: 'not-found', title: 'There is no such service.' },
  document_not_found: { kind: 'not-found', title: 'There is no such document.' },
  schema_not_found: { kind: 'not-found', title: 'There is no such schema.' },
  version_not_found: { kind: 'not-found', title: 'There is no such version of this layer.' },
  revision_not_found: { kind: 'not-found', title: 'There is no such revision.' },
  change_not_found: { kind: 'not-found', title: 'There is no such change.' },
  review_not_found: { kind: 'not-found', title: 'There is no such review.' },
  comment_not_found: { kind: 'not-found', title: 'There is no such comment.' },
  schedule_not_found: { kind: 'not-found', title: 'The change is not scheduled.' },
  edit_not_found: { kind: 'not-found', title: 'The change does not touch this.' },
  person_not_found: { kind: 'not-found', title: 'There is no such person.' },
  link_not_found: { kind: 'not-found', title: 'The link is unknown, used or expired.' },
  secret_not_found: { kind: 'not-found', title: 'There is no such sealed value.' },
  credential_not_found: { kind: 'not-found', title: 'There is no such credential.' },
  grant_not_found: { kind: 'not-found', title: 'There is no such grant.' },

  name_taken: { kind: 'conflict', title: 'The name is already in use.' },
  grant_exists: { kind: 'conflict', title: 'This has been granted already.' },
  service_included: { kind: 'conflict', title: 'Other services include this service.' },
  service_archived: { kind: 'conflict', title: 'The service is archived.' },
  last_administrator: { kind: 'conflict', title: 'Nobody could administer the server any more.' },
  cannot_sign_in: { kind: 'conflict', title: 'The person cannot sign in with a password.' },
  change_not_open: { kind: 'conflict', title: 'The change is no longer open.' },
  change_conflict: { kind: 'conflict', title: 'Someone else has published to the same place since.' },
  approval_required: { kind: 'conflict', title: 'A protected environment would change without the approvals it needs.' },
  changes_requested: { kind: 'conflict', title: 'A reviewer has asked for changes.' },
  idempotency_in_progress: { kind: 'conflict', title: 'A request with this Idempotency-Key is still running.' },
  log_regressed: { kind: 'conflict', title: 'The log ends before what was handed out.' },
  log_not_regressed: { kind: 'conflict', title: 'The log has lost nothing.' },
  precondition_failed: { kind: 'precondition', title: 'The resource is not in the state that If-Match names.' },

  payload_too_large: { kind: 'too-large', title: 'The request body is too large.' },
  document_too_large: { kind: 'too-large', title: 'The document is too large.' },
  layer_full: { kind: 'too-large', title: 'The layer holds too many documents.' },
  unsupported_media_type: { kind: 'unsupported', title: 'The content type is not supported here.' },

  document_syntax: { kind: 'invalid', title: 'The document cannot be parsed.' },
  document_multipart: { kind: 'invalid', title: 'The YAML source holds several documents.' },
  document_too_deep: { kind: 'invalid', title: 'The document is nested too deeply.' },
  duplicate_key: { kind: 'invalid', title: 'A key is set twice.' },
  alias_expansion: { kind: 'invalid', title: 'The YAML aliases expand to far more than their source.' },
  number_out_of_range: { kind: 'invalid', title: 'A number cannot be represented exactly.' },
  value_not_representable: { kind: 'invalid', title: 'A value cannot be represented in this format.' },
  patch_failed: { kind: 'invalid', title: 'The patch does not apply.' },
  schema_invalid: { kind: 'invalid', title: 'The JSON Schema is not valid.' },
  schema_violation: { kind: 'invalid', title: 'An effective config would violate its schema.' },
  sealed_elsewhere: { kind: 'invalid', title: 'A value was sealed for another layer.' },
  sealed_invalid: { kind: 'invalid', title: 'A text claims to be sealed and is not.' },
  include_cycle: { kind: 'invalid', title: 'The includes form a cycle.' },
  nothing_to_publish: { kind: 'invalid', title: 'The change would change nothing.' },
  import_invalid: { kind: 'invalid', title: 'The files cannot be imported.' },
  password_unsuitable: { kind: 'invalid', title: 'The password is too easy to guess.' },
  idempotency_key_reused: { kind: 'invalid', title: 'The Idempotency-Key was used for a different request.' },

  too_many_requests: { kind: 'too-many', title: 'Too many requests.' },
  master_key_missing: { kind: 'unavailable', title: 'The master key is missing.' },
  secret_unreadable: { kind: 'unavailable', title: 'A sealed value cannot be read.' },
  unavailable: { kind: 'unavailable', title: 'The server cannot do this right now.' },
  internal: { kind: 'internal', title: 'Something went wrong inside the server.' },
} as const satisfies Record<string, ErrorEntry>;

export type ErrorCode = keyof typeof ERROR_CODES;
