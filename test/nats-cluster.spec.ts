import { jetstreamManager } from '@nats-io/jetstream';
import { connect } from '@nats-io/transport-node';
import { Api } from './support/api';
import { edgeReaches, startEdge, type TestEdge } from './support/edge';
import { eventually } from './support/eventually';
import { describeWithNats, startNatsCluster, type NatsServer } from './support/nats';
import { startServer, type TestServer } from './support/server';

jest.setTimeout(60_000);

describeWithNats('given a cluster of three NATS servers that each keep the bucket', () => {
  let cluster: NatsServer[];
  let server: TestServer;
  let edge: TestEdge;
  let api: Api;
  let reader: Api;

  beforeAll(async () => {
    cluster = await startNatsCluster();
    const url = cluster.map((one) => one.url).join(',');
    server = await startServer({ nats: { url, replicas: 3 } });
    api = new Api(server.url, server.token);
    await api.given({ production: 'base' }, ['orders']);
    edge = await startEdge(url);
    const { json } = await api.must('POST', '/api/v1/client-keys', { name: 'reader', service: '*', environment: 'base' });
    reader = new Api(edge.url, json.secret as string);
  });
  afterAll(async () => {
    await edge.close();
    await server.close();
    await Promise.all(cluster.map((one) => one.close()));
  });

  async function publish(n: number): Promise<void> {
    const { json } = await api.putYaml('orders@production', `n: ${n}\n`);
    await edgeReaches(edge.url, json.revision as number, 30_000);
    await eventually(async () => expect((await reader.get('/v1/config/production/orders')).json).toMatchObject({ revision: json.revision, documents: { application: { value: { n } } } }));
  }

  it('keeps the bucket on all three, and distributes on while the one that leads is dead', async () => {
    await publish(1);
    const leader = cluster[await leadingServer()]!;
    await leader.kill();
    await publish(2);
    await leader.start();
    await publish(3);
  });

  async function leadingServer(): Promise<number> {
    const nc = await connect({ servers: cluster[0]!.url });
    const { config, cluster: group } = await (await jetstreamManager(nc)).streams.info('KV_trimtab');
    await nc.close();
    expect(config.num_replicas).toBe(3);
    return Number(group?.leader?.replace('server-', ''));
  }
});
