/** An answer of the server, read whole. */
export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
  /** The parsed body; `undefined` when it is not JSON. */
  // A test asserts on what it finds, whatever that is.
  // eslint-disable-next-line @typescript-eslint/no-explicit-any
  readonly json: any;
}

/** Everything everywhere, as an administrator's token is granted it. */
export const ADMINISTRATION = [{ role: 'admin', services: '*', environment: 'base' }] as const;

const YAML = { 'content-type': 'application/yaml' };
const MERGE_PATCH = { 'content-type': 'application/merge-patch+json' };

/** The HTTP API as a test talks to it: real requests, and shorthands for what every spec does. */
export class Api {
  constructor(
    readonly url: string,
    readonly token: string | undefined,
  ) {}

  as(token: string | undefined): Api {
    return new Api(this.url, token);
  }

  async request(method: string, path: string, body?: unknown, headers: Record<string, string> = {}, signal?: AbortSignal): Promise<Answer> {
    const raw = typeof body === 'string' || body instanceof Uint8Array;
    const response = await fetch(this.url + path, {
      method,
      redirect: 'manual',
      ...(signal === undefined ? {} : { signal }),
      headers: {
        ...(this.token === undefined ? {} : { authorization: `Bearer ${this.token}` }),
        ...(body === undefined || raw ? {} : { 'content-type': 'application/json' }),
        ...headers,
      },
      ...(body === undefined ? {} : { body: raw ? (body as NonNullable<RequestInit['body']>) : JSON.stringify(body) }),
    });
    const text = await response.text();
    return { status: response.status, headers: response.headers, text, json: parsed(text) };
  }

  get(path: string, headers?: Record<string, string>): Promise<Answer> {
    return this.request('GET', path, undefined, headers);
  }

  post(path: string, body?: unknown, headers?: Record<string, string>): Promise<Answer> {
    return this.request('POST', path, body, headers);
  }

  /** Like {@link request}, for preparations: anything but success fails the test here. */
  async must(method: string, path: string, body?: unknown, headers?: Record<string, string>): Promise<Answer> {
    const answer = await this.request(method, path, body, headers);
    if (answer.status >= 300) throw new Error(`${method} ${path} answered ${answer.status}: ${answer.text}`);
    return answer;
  }

  /** Environments (`child: parent`) and services. */
  async given(environments: Record<string, string>, services: readonly string[]): Promise<void> {
    for (const [name, parent] of Object.entries(environments)) await this.must('POST', '/api/v1/environments', { name, parent });
    for (const name of services) await this.must('POST', '/api/v1/services', { name });
  }

  putYaml(layer: string, source: string, document = 'application', headers: Record<string, string> = {}): Promise<Answer> {
    return this.request('PUT', `${layerPath(layer)}/documents/${document}`, source, { ...YAML, ...headers });
  }

  patch(layer: string, patch: unknown, document = 'application', headers: Record<string, string> = {}): Promise<Answer> {
    return this.request('PATCH', `${layerPath(layer)}/documents/${document}`, JSON.stringify(patch), { ...MERGE_PATCH, ...headers });
  }

  include(layer: string, ...services: string[]): Promise<Answer> {
    return this.request('PUT', `${layerPath(layer)}/includes`, { includes: services.map((service) => ({ service })) });
  }

  /** The values a client of this target receives, by document. */
  async values(target: string, query = ''): Promise<Record<string, unknown>> {
    const [service, environment] = target.split('@');
    const { json } = await this.must('GET', `/v1/config/${environment}/${service}${query}`);
    return Object.fromEntries(
      Object.entries(json.documents as Record<string, { value?: unknown; text?: string }>).map(([name, content]) => [name, content.value ?? content.text]),
    );
  }
}

/** `orders@production` → the path of that layer. */
export function layerPath(layer: string): string {
  const [service, environment] = layer.split('@');
  return `/api/v1/services/${service}/environments/${environment}`;
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
