import { FEED_EVENT, PROTOCOL_VERSION, REPORT_EVENT, type FeedMessage, type InstanceInfo, type Position, type Report } from '@trimtab/client/protocol';
import { io } from 'socket.io-client';
import { opened } from './open-resources';

/** An instance that reports exactly what a spec tells it to. */
export interface InstanceClient {
  readonly messages: readonly FeedMessage[];
  report(report: Report): void;
  /** Reports that it applied, or refused, the newest content it was sent. */
  apply(): void;
  refuse(reason: string): void;
  close(): void;
}

export interface InstanceClientOptions {
  /** `orders@production`. */
  readonly target: string;
  readonly info: InstanceInfo;
  readonly since?: Position;
}

/** Resolves when the server has answered the subscription. */
export async function openInstance({ url, token }: { url: string; token: string }, { target, info, since }: InstanceClientOptions): Promise<InstanceClient> {
  const closed = opened(`instance ${info.id} of ${url}`);
  const [service = '', environment = ''] = target.split('@');
  const auth = { protocol: PROTOCOL_VERSION, key: token, service, environment, instance: info, ...(since === undefined ? {} : { since }) };
  const socket = io(url, { transports: ['websocket'], forceNew: true, reconnection: false, auth });
  const messages: FeedMessage[] = [];
  await new Promise<void>((resolve, reject) => {
    socket.on('connect_error', reject);
    socket.on(FEED_EVENT, (message: FeedMessage) => {
      messages.push(message);
      resolve();
    });
  });
  socket.on('disconnect', closed);
  const newest = (): Position => {
    const content = messages.findLast((message) => message.type === 'snapshot' || message.type === 'delta');
    if (content === undefined) throw new Error(`${info.id} was sent no content.`);
    return { revision: content.revision, etag: content.etag };
  };
  const report = (one: Report): void => void socket.emit(REPORT_EVENT, one);
  return {
    messages,
    report,
    apply: () => report({ state: 'applied', ...newest() }),
    refuse: (reason) => report({ state: 'refused', ...newest(), reason }),
    close: () => void socket.disconnect(),
  };
}
