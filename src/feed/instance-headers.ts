import type { InstanceInfo } from '@trimtab/client/protocol';
import { randomUUID } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import { malformed } from './malformed';

/** What a client of plain HTTP may tell of itself. */
export const INSTANCE_HEADERS = {
  id: 'x-trimtab-instance',
  host: 'x-trimtab-host',
  labels: 'x-trimtab-labels',
} as const;

const MAX_LABELS = 16;
const MAX_LIBRARY = 128;
const connectionIds = new WeakMap<object, string>();

/** Who asks, by the headers; without an id of its own, the TCP connection stands for it. */
export function instanceOf({ headers, socket }: IncomingMessage): InstanceInfo {
  const read = (name: string, max: number): string | undefined => {
    const value = headers[name];
    if (value === undefined) return undefined;
    if (typeof value === 'string' && value.length > 0 && value.length <= max) return value;
    throw malformed(`"${name}" must be one header of 1 to ${max} characters.`);
  };
  const host = read(INSTANCE_HEADERS.host, 255);
  const labels = read(INSTANCE_HEADERS.labels, 8_192);
  const library = headers['user-agent']?.slice(0, MAX_LIBRARY);
  return {
    id: read(INSTANCE_HEADERS.id, 128) ?? connectionId(socket),
    ...(host === undefined ? {} : { host }),
    ...(library === undefined || library === '' ? {} : { library }),
    ...(labels === undefined ? {} : { labels: labelsOf(labels) }),
  };
}

/** `zone=eu-1, canary=yes` */
function labelsOf(text: string): Readonly<Record<string, string>> {
  const labels = text.split(',').map((label) => {
    const at = label.indexOf('=');
    const [name, value] = [label.slice(0, Math.max(0, at)).trim(), label.slice(at + 1).trim()];
    if (!/^\S{1,63}$/.test(name) || value.length > 255) throw malformed(`"${INSTANCE_HEADERS.labels}" must be name=value, several separated by commas.`);
    return [name, value] as const;
  });
  if (labels.length > MAX_LABELS) throw malformed(`There can be at most ${MAX_LABELS} labels.`);
  return Object.fromEntries(labels);
}

function connectionId(socket: object): string {
  const id = connectionIds.get(socket) ?? randomUUID();
  connectionIds.set(socket, id);
  return id;
}
