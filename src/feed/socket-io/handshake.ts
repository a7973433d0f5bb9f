import { PROTOCOL_VERSION, type Handshake, type InstanceInfo, type Position, type Report } from '@trimtab/client/protocol';
import { malformed } from '../malformed';
import { targetOf } from '../target';

/**
 * What a client sends over the socket, taken apart member by member: nothing is believed, nothing unknown is ignored,
 * so that a misspelt member is an error on the first day and not a riddle on a later one.
 */
export function parseHandshake(auth: unknown): Handshake {
  const handshake = membersOf(auth, '', ['protocol', 'key', 'service', 'environment', 'instance', 'since']);
  if (handshake['protocol'] !== PROTOCOL_VERSION) {
    throw malformed(`This server speaks version ${PROTOCOL_VERSION} of the protocol; "protocol" must be ${PROTOCOL_VERSION}.`, '/protocol');
  }
  const { instance, since } = handshake;
  return {
    protocol: PROTOCOL_VERSION,
    key: text(handshake['key'], '/key', 256),
    ...targetOf(handshake['service'], handshake['environment']),
    ...(instance === undefined ? {} : { instance: parseInstance(instance) }),
    ...(since === undefined || since === null ? {} : { since: parsePosition(since, '/since') }),
  };
}

export function parsePosition(value: unknown, pointer: string): Position {
  const position = membersOf(value, pointer, ['revision', 'etag']);
  return {
    revision: whole(position['revision'], `${pointer}/revision`),
    etag: text(position['etag'], `${pointer}/etag`, 128),
  };
}

export function parseReport(value: unknown): Report {
  const report = membersOf(value, '', ['state', 'revision', 'etag', 'reason', 'heldMs']);
  const position = { revision: whole(report['revision'], '/revision'), etag: text(report['etag'], '/etag', 128) };
  if (report['state'] !== 'applied' && report['heldMs'] !== undefined) throw malformed('Only what was applied has "heldMs".', '/heldMs');
  if (report['state'] === 'refused') return { state: 'refused', ...position, reason: text(report['reason'], '/reason', 4_096) };
  if (report['state'] !== 'applied') throw malformed('"state" must be "applied" or "refused".', '/state');
  if (report['reason'] !== undefined) throw malformed('Only a refusal has a "reason".', '/reason');
  return { state: 'applied', ...position, ...(report['heldMs'] === undefined ? {} : { heldMs: whole(report['heldMs'], '/heldMs') }) };
}

function parseInstance(value: unknown): InstanceInfo {
  const { id, host, library, labels } = membersOf(value, '/instance', ['id', 'host', 'library', 'labels']);
  return {
    id: text(id, '/instance/id', 128),
    ...(host === undefined ? {} : { host: text(host, '/instance/host', 255) }),
    ...(library === undefined ? {} : { library: text(library, '/instance/library', 128) }),
    ...(labels === undefined ? {} : { labels: parseLabels(labels) }),
  };
}

function parseLabels(value: unknown): Readonly<Record<string, string>> {
  const labels = Object.entries(objectAt(value, '/instance/labels'));
  if (labels.length > 16) throw malformed('There can be at most 16 labels.', '/instance/labels');
  return Object.fromEntries(
    labels.map(([name, label]) => [text(name, '/instance/labels', 63), text(label, `/instance/labels/${name}`, 255)]),
  );
}

function membersOf(value: unknown, pointer: string, known: readonly string[]): Readonly<Record<string, unknown>> {
  const object = objectAt(value, pointer);
  const unknown = Object.keys(object).find((name) => !known.includes(name));
  if (unknown !== undefined) throw malformed(`"${unknown.slice(0, 64)}" is not known here; known are ${known.join(', ')}.`, pointer);
  return object;
}

function objectAt(value: unknown, pointer: string): Readonly<Record<string, unknown>> {
  if (typeof value === 'object' && value !== null && !Array.isArray(value) && !Buffer.isBuffer(value)) {
    return value as Readonly<Record<string, unknown>>;
  }
  throw malformed(`${pointer === '' ? 'The message' : `"${pointer}"`} must be an object.`, pointer);
}

function text(value: unknown, pointer: string, maxLength: number): string {
  if (typeof value === 'string' && value.length > 0 && value.length <= maxLength && !value.includes('\0')) return value;
  throw malformed(`"${pointer}" must be a text of 1 to ${maxLength} characters.`, pointer);
}

function whole(value: unknown, pointer: string): number {
  if (typeof value === 'number' && Number.isSafeInteger(value) && value >= 0) return value;
  throw malformed(`"${pointer}" must be a whole number, 0 or more.`, pointer);
}
