import { connect, createServer, type Socket } from 'node:net';
import { opened } from './open-resources';

interface Pair {
  readonly downstream: Socket;
  readonly upstream: Socket;
}

/** A TCP proxy on a port of its own, through which a spec makes the faults of a network. */
export interface Proxy {
  readonly port: number;
  /** Number of connections that are open through it. */
  readonly connections: number;
  /** Resets every open connection. New ones are accepted. */
  cut(): void;
  /** Resets every open connection and refuses new ones until `accept()`. */
  refuse(): void;
  accept(): void;
  /** Nothing goes through, in either direction, until `resume()`; no connection is closed. */
  pause(): void;
  resume(): void;
  /** The far side of every open connection disappears without the near side being told: what it sends vanishes. */
  halfOpen(): void;
  /** The same URL, with host and port of the proxy. */
  through(url: string): string;
  close(): Promise<void>;
}

export async function startProxy(target: string | number): Promise<Proxy> {
  const targetPort = typeof target === 'number' ? target : Number(new URL(target).port);
  const pairs = new Set<Pair>();
  let refusing = false;
  let paused = false;

  const server = createServer({ allowHalfOpen: true, pauseOnConnect: true }, (downstream) => {
    if (refusing) {
      downstream.resetAndDestroy();
      return;
    }
    const upstream = connect({ port: targetPort, host: '127.0.0.1', allowHalfOpen: true });
    const pair: Pair = { downstream, upstream };
    pairs.add(pair);
    const end = (): void => {
      pairs.delete(pair);
      downstream.destroy();
      upstream.destroy();
    };
    for (const socket of [downstream, upstream]) {
      socket.setNoDelay(true);
      socket.on('error', end);
      socket.on('close', end);
    }
    if (!paused) join(pair);
  });
  const join = ({ downstream, upstream }: Pair): void => {
    downstream.pipe(upstream);
    upstream.pipe(downstream);
  };
  const part = ({ downstream, upstream }: Pair): void => {
    downstream.unpipe(upstream);
    upstream.unpipe(downstream);
    downstream.pause();
    upstream.pause();
  };
  const cut = (): void => {
    for (const { downstream, upstream } of pairs) {
      downstream.resetAndDestroy();
      upstream.resetAndDestroy();
    }
  };

  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;
  const closed = opened(`proxy on ${port}`);

  return {
    port,
    get connections() {
      return pairs.size;
    },
    cut,
    refuse: () => {
      refusing = true;
      cut();
    },
    accept: () => {
      refusing = false;
    },
    pause: () => {
      paused = true;
      pairs.forEach(part);
    },
    resume: () => {
      paused = false;
      pairs.forEach(join);
    },
    halfOpen: () => {
      for (const pair of pairs) {
        part(pair);
        pair.upstream.removeAllListeners('close').destroy();
        pair.downstream.resume();
      }
    },
    through: (url) => {
      const proxied = new URL(url);
      proxied.hostname = '127.0.0.1';
      proxied.port = String(port);
      return proxied.href;
    },
    close: async () => {
      cut();
      await new Promise((resolve) => server.close(resolve));
      closed();
    },
  };
}
