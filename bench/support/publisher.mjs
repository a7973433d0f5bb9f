import { Agent, request } from 'node:http';

/** Publishes documents over kept connections: the time of a call is that of the server. */
export class Publisher {
  #agent;
  #port;
  #token;

  constructor({ port, token, connections = 1 }) {
    this.#agent = new Agent({ keepAlive: true, maxSockets: connections });
    this.#port = port;
    this.#token = token;
  }

  /** Resolves with the bytes of the answer. */
  publish(service, body, contentType = 'application/json') {
    return new Promise((resolve, reject) => {
      const path = `/api/v1/services/${service}/environments/base/documents/application`;
      const headers = { authorization: `Bearer ${this.#token}`, 'content-type': contentType, 'content-length': Buffer.byteLength(body) };
      const sent = request({ agent: this.#agent, host: '127.0.0.1', port: this.#port, method: 'PUT', path, headers }, (response) => {
        const chunks = [];
        response.on('data', (chunk) => chunks.push(chunk));
        response.on('end', () => (response.statusCode === 200 ? resolve(Buffer.concat(chunks)) : reject(new Error(`${response.statusCode}: ${Buffer.concat(chunks)}`))));
      });
      sent.on('error', reject);
      sent.end(body);
    });
  }

  close() {
    this.#agent.destroy();
  }
}
