/** What a client says in one moment at most, and each second from then on. It has a report for each revision and answers heartbeats. */
const BURST = 1_000;
const PER_SECOND = 100;
const ONE_MS = 1_000 / PER_SECOND;

/**
 * How much each connection may say: a client has little to, and every message is work. Kept by the WebSocket, so that it
 * counts before anybody has said who they are, and goes with it.
 */
export class MessageBudget {
  /** The moment at which the connection may again say all it ever may at once. */
  private readonly freeAt = new WeakMap<object, number>();

  constructor(private readonly now: () => number = () => performance.now()) {}

  /** False when the connection has said too much. */
  spend(webSocket: object): boolean {
    const now = this.now();
    const freeAt = Math.max(this.freeAt.get(webSocket) ?? now, now) + ONE_MS;
    if (freeAt - now > BURST * ONE_MS) return false;
    this.freeAt.set(webSocket, freeAt);
    return true;
  }
}
