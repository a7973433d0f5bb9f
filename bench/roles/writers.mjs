// Writers that publish without pause: each a service and a connection of its own, and another body every time.
import { setTimeout as sleep } from 'node:timers/promises';
import { Publisher } from '../support/publisher.mjs';
import { answer } from '../support/role.mjs';
import { differing } from '../support/sample-config.mjs';

let count = 0;

async function run({ port, token, services, contentType, source, seconds }) {
  const publisher = new Publisher({ port, token, connections: services.length });
  const body = differing(source);
  let published = 0;
  let running = true;
  const write = async (service) => {
    while (running) {
      await publisher.publish(service, body(++count), contentType);
      published += 1;
    }
  };
  const writers = services.map(write);
  await sleep(Math.min(300, seconds * 250));
  const [before, start] = [published, performance.now()];
  await sleep(seconds * 1_000);
  const rate = (published - before) / ((performance.now() - start) / 1_000);
  running = false;
  await Promise.all(writers);
  publisher.close();
  return rate;
}

answer({ run });
