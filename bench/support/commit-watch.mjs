import pg from 'pg';
import { now } from './clock.mjs';

/** When a publish was committed, as another session hears of it. */
export class CommitWatch {
  #client;
  at;

  static async start(databaseUrl) {
    const watch = new CommitWatch();
    watch.#client = new pg.Client({ connectionString: databaseUrl });
    // A run that fails drops the database before it comes to closing this.
    watch.#client.on('error', () => undefined);
    await watch.#client.connect();
    await watch.#client.query('LISTEN trimtab');
    watch.#client.on('notification', () => (watch.at ??= now()));
    return watch;
  }

  /** The next commit is the one to note. */
  reset() {
    this.at = undefined;
  }

  end() {
    return this.#client.end();
  }
}
