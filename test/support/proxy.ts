import { connect, createServer, type Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { opened } from './open-resources';

interface Pair {
  readonly downstream: Socket;
  readonly upstream: Socket;
  /** What the bytes of this connection pass through on their way, if anything. */
  readonly there: Duplex | undefined;
  readonly back: Duplex | undefined;
}

export interface ProxyOptions {
  /** Makes what the bytes of one direction of one connection pass through: to hold, delay or look at them. */
  readonly through?: (direction: 'there' | 'back') => Duplex;
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
  /** New connections go there from now on; those that are open stay where they are. */
  retarget(target: string | number): void;
  /** The far side of every open connection disappears without the near side being told: what it sends vanishes. */
  halfOpen(): void;
  /** The same URL, with host and port of the proxy. */
  through(url: string): string;
  close(): Promise<void>;
}

export async function startProxy(target: string | number, options: ProxyOptions = {}): Promise<Proxy> {
  let targetPort = portOf(target);
  const pairs = new Set<Pair>();
  let refusing = false;
  let paused = false;

  const server = createServer({ allowHalfOpen: true, pauseOnConnect: true }, (downstream) => {
    if (refusing) {
      downstream.resetAndDestroy();
      return;
    }
    const upstream = connect({ port: targetPort, host: '127.0.0.1', allowHalfOpen: true });
    const pair: Pair = { downstream, upstream, there: options.through?.('there'), back: options.through?.('back') };
    pairs.add(pair);
    const end = (): void => {
      pairs.delete(pair);
      for (const stream of Object.values(pair) as (Duplex | undefined)[]) stream?.destroy();
    };
    for (const socket of [downstream, upstream]) {
      socket.setNoDelay(true);
      socket.on('error', end);
      socket.on('close', end);
    }
    for (const passage of [pair.there, pair.back]) passage?.on('error', end);
    if (!paused) join(pair);
  });
  const join = ({ downstream, upstream, there, back }: Pair): void => {
    if (there === undefined) downstream.pipe(upstream);
    else downstream.pipe(there).pipe(upstream);
    if (back === undefined) upstream.pipe(downstream);
    else upstream.pipe(back).pipe(downstream);
  };
  const part = ({ downstream, upstream, there, back }: Pair): void => {
    downstream.unpipe();
    upstream.unpipe();
    there?.unpipe();
    back?.unpipe();
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
    retarget: (next) => {
      targetPort = portOf(next);
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

function portOf(target: string | number): number {
  return typeof target === 'number' ? target : Number(new URL(target).port);
}
