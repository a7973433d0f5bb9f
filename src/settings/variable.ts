/** One environment variable: its name, what it is when unset, and how its text becomes a value. */
export interface Variable<T> {
  readonly name: string;
  readonly means: string;
  readonly fallback: T;
  /** Throws a {@link SettingFault} whose message completes the sentence "NAME …". */
  readonly parse: (text: string) => T;
}

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
