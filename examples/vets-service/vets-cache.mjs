/** What the database said, for `ttl` seconds, and at most `size` rows of it. */
export class VetsCache {
  #ttl;
  #size;
  #rows = [];
  #filledAt = -Infinity;
  answers = 0;

  constructor(ttl, size) {
    this.#ttl = ttl;
    this.#size = size;
  }

  async read() {
    if (performance.now() - this.#filledAt > this.#ttl * 1000) await this.fill();
    this.answers += 1;
    return this.#rows;
  }

  async fill() {
    this.#rows = (await queryDatabase()).slice(0, this.#size);
    this.#filledAt = performance.now();
  }

  toString() {
    return `a cache of ${this.#size} entries for ${this.#ttl} s`;
  }
}

async function queryDatabase() {
  return ['James Carter', 'Helen Leary', 'Linda Douglas', 'Rafael Ortega', 'Henry Stevens', 'Sharon Jenkins'];
}
