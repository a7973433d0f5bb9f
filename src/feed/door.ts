import type { IncomingMessage } from 'node:http';
import { clientAddressOf, trustedProxies, type TrustedProxies } from '../http/client-address';
import { commonHeaders, type CommonHeaders } from '../http/common-headers';
import type { RateLimits } from '../http/rate-limit/rate-limits';
import { DomainError } from '../kernel/domain-error';
import type { Settings } from '../settings/settings';

const SOCKET_PATH = '/socket.io/';
const KEY = /^[A-Za-z0-9+/]{22}==$/;

/**
 * What holds for whoever comes to the feed past Fastify, as its hooks hold for all others: who may open a socket, what
 * every answer says, and how often a stranger may try.
 */
export class Door {
  readonly common: CommonHeaders;
  private readonly origins: ReadonlySet<string>;
  private readonly isTrusted: TrustedProxies;

  constructor(
    settings: Pick<Settings, 'publicUrl' | 'http' | 'feed'>,
    private readonly limits: Pick<RateLimits, 'admitStranger'>,
  ) {
    this.common = commonHeaders(settings);
    this.origins = new Set(settings.feed.allowedOrigins);
    this.isTrusted = trustedProxies(settings.http.trustedProxies);
  }

  /**
   * Why a request may not become a WebSocket, if it may not. Everything is refused here that Engine.IO would refuse
   * later with words of its own.
   */
  refusalOf({ method, url = '', headers }: IncomingMessage): DomainError | undefined {
    const [path, query] = url.split('?', 2);
    if (path !== SOCKET_PATH) return new DomainError('route_not_found', `Sockets are opened at ${SOCKET_PATH}, and nowhere else.`);
    // Browsers name the page they come from; services do not. A page is let in only when the operator has named it.
    if (headers.origin !== undefined && !this.origins.has(headers.origin)) {
      return new DomainError('forbidden', 'Web pages of this origin may not open a socket here.');
    }
    const parameters = new URLSearchParams(query);
    if (parameters.getAll('EIO').join() !== '4' || parameters.getAll('transport').join() !== 'websocket' || parameters.has('sid')) {
      return new DomainError('malformed_request', 'A socket is opened with EIO=4&transport=websocket: see docs/guarantees.md.');
    }
    const isWebSocket = method === 'GET' && headers.upgrade?.toLowerCase() === 'websocket' && headers['sec-websocket-version'] === '13' && KEY.test(headers['sec-websocket-key'] ?? '');
    return isWebSocket ? undefined : new DomainError('malformed_request', 'This is no WebSocket handshake (RFC 6455).');
  }

  /** @throws DomainError `too_many_requests` */
  admitStranger(request: IncomingMessage): void {
    this.limits.admitStranger(clientAddressOf(request, this.isTrusted));
  }
}
