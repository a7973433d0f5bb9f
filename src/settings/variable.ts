import { isIP } from 'node:net';

/** One environment variable: its name, what it is when unset, and how its text becomes a value. */
export interface Variable<T> {
  readonly name: string;
  readonly means: string;
  readonly fallback: T;
  /** The fallback as one would write it, where that is not its text. */
  readonly fallbackText?: string;
  /** Throws a {@link SettingFault} whose message completes the sentence "NAME …". */
  readonly parse: (text: string) => T;
}

/** In place of a list: nothing at all, said on purpose. */
const NONE = 'none';

/** What is wrong with the text of one variable. Never quotes a value that may hold a secret. */
export class SettingFault extends Error {}

export function text(name: string, fallback: string, means: string): Variable<string> {
  return { name, means, fallback, parse: (value) => value };
}

/** A text that may be missing. */
export function optionalText(name: string, means: string): Variable<string | undefined> {
  return { name, means, fallback: undefined, parse: (value) => value };
}

export function integer(
  name: string,
  fallback: number,
  means: string,
  { min = 1, max = 2 ** 31 - 1 }: { min?: number; max?: number } = {},
): Variable<number> {
  const parse = (value: string): number => {
    const number = /^\d{1,15}$/.test(value) ? Number(value) : NaN;
    if (number >= min && number <= max) return number;
    throw new SettingFault(`must be a whole number from ${min} to ${max}, not "${value}"`);
  };
  return { name, means, fallback, parse };
}

export function oneOf<const T extends string>(
  name: string,
  choices: readonly T[],
  fallback: NoInfer<T>,
  means: string,
): Variable<T> {
  const parse = (value: string): T => {
    const choice = choices.find((candidate) => candidate === value);
    if (choice !== undefined) return choice;
    throw new SettingFault(`must be one of ${choices.join(', ')}, not "${value}"`);
  };
  return { name, means, fallback, parse };
}

/** `scheme://host[:port]` and nothing else, which is the whole of an origin. */
export function originUrl(name: string, means: string): Variable<string | undefined> {
  const parse = (value: string): string => {
    if (isOrigin(value)) return value;
    throw new SettingFault('must be an address like https://host or https://host:8443, in lower case, without a path');
  };
  return { name, means, fallback: undefined, parse };
}

/** Origins as browsers write them: compared as text, so every one has its one spelling. */
export function origins(name: string, means: string): Variable<readonly string[]> {
  const parse = (value: string): readonly string[] => {
    const listed = listOf(value);
    if (listed.every(isOrigin)) return Object.freeze(listed);
    throw new SettingFault(`must be origins like https://console.example.com with commas between them, or ${NONE}`);
  };
  return { name, means, fallback: Object.freeze([]), fallbackText: NONE, parse };
}

/** Networks in CIDR notation; a single address is a network of its own. */
export function networks(name: string, means: string): Variable<readonly string[]> {
  const parse = (value: string): readonly string[] => {
    const listed = listOf(value);
    if (listed.every(isNetwork)) return Object.freeze(listed);
    throw new SettingFault(`must be networks like 10.0.0.0/8 or fd00::/8 with commas between them, or ${NONE}`);
  };
  return { name, means, fallback: Object.freeze([]), fallbackText: NONE, parse };
}

function listOf(value: string): string[] {
  return value.trim() === NONE ? [] : value.split(',').map((one) => one.trim());
}

function isOrigin(value: string): boolean {
  return /^https?:\/\//.test(value) && URL.canParse(value) && new URL(value).origin === value;
}

function isNetwork(value: string): boolean {
  const [address = '', length, ...rest] = value.split('/');
  const bits = { 4: 32, 6: 128 }[isIP(address)];
  return bits !== undefined && rest.length === 0 && (length === undefined || (/^\d{1,3}$/.test(length) && Number(length) <= bits));
}

export function httpUrl(name: string, means: string): Variable<string | undefined> {
  const parse = (value: string): string => {
    if (/^https?:\/\/[^/]/.test(value) && URL.canParse(value)) return value;
    throw new SettingFault('must be a URL like http://host:4318');
  };
  return { name, means, fallback: undefined, parse };
}

export function postgresUrl(name: string, means: string): Variable<string | undefined> {
  const parse = (value: string): string => {
    // An empty host (a Unix socket named by ?host=) is fine for Postgres but not for URL.
    const candidate = value.replace(/^(postgres(?:ql)?:\/\/[^/]*@)(?=[/?]|$)/, '$1localhost');
    if (/^postgres(?:ql)?:\/\//.test(value) && URL.canParse(candidate)) return value;
    throw new SettingFault('must be a URL like postgres://user:password@host:5432/database');
  };
  return { name, means, fallback: undefined, parse };
}

export function natsUrl(name: string, means: string): Variable<string | undefined> {
  const parse = (value: string): string => {
    if (value.split(',').every((one) => /^(?:nats|tls):\/\/[^/]/.test(one.trim()) && URL.canParse(one.trim()))) return value;
    throw new SettingFault('must be a URL like nats://user:password@host:4222, or several with commas between them');
  };
  return { name, means, fallback: undefined, parse };
}

/** Only looked at; what they are is for those who use them. Never quoted. */
export function masterKeys(name: string, means: string): Variable<string | undefined> {
  const parse = (value: string): string => {
    const key = /^[a-z0-9][a-z0-9._-]{0,62}:[A-Za-z0-9+/]{43}=$/;
    const lines = value.split(/[\n,]/).map((line) => line.trim()).filter((line) => line !== '' && !line.startsWith('#'));
    if (lines.length > 0 && lines.every((line) => key.test(line))) return value;
    throw new SettingFault('must hold keys as "id:base64 of 32 bytes", separated by commas; "npm run master-key" makes one');
  };
  return { name, means, fallback: undefined, parse };
}
