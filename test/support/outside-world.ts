import { layerPath, type Api } from './api';
import { openStream } from './connections';

/** In every text that can be planted, so that nothing of it can be shown unnoticed. */
export const OUTSIDE = 'qzoutside';

export type OutsideWorld = Awaited<ReturnType<typeof plantOutside>>;

const YAML = { 'content-type': 'application/yaml' };

/**
 * Everything there can be besides `orders@production`: another service, which includes `orders`, in several environments;
 * other layers of `orders`; changes that touch only those, or these as well; credentials, grants, people and a connected
 * instance. Whatever can hold a text holds {@link OUTSIDE}.
 */
export async function plantOutside(api: Api, more = '') {
  const word = (what: string): string => `${OUTSIDE}-${what}${more}`;
  const service = word('ledger');
  const environment = word('moon');
  const source = (): string => `# ${word('comment')}\n${word('name')}: ${word('value')}-${Math.random()}\n`;
  const put = async (layer: string, document = 'application'): Promise<number> =>
    (await api.must('PUT', `${layerPath(layer)}/documents/${document}?message=${word('message')}`, source(), YAML)).json.revision as number;
  const change = async (...layers: readonly string[]): Promise<number> => {
    const { id } = (await api.must('POST', '/api/v1/changes', { title: word('title') })).json as { id: number };
    for (const layer of layers) await api.must('PUT', `/api/v1/changes/${id}${layerPath(layer).replace('/api/v1', '')}/documents/${word('document')}`, source(), YAML);
    return id;
  };
  const publish = async (id: number): Promise<number> => (await api.must('POST', `/api/v1/changes/${id}/publish`, {})).json.revision as number;

  await api.must('POST', '/api/v1/environments', { name: environment, parent: 'base', description: word('description') });
  await api.must('POST', '/api/v1/services', { name: service, owner: word('owner'), description: word('description') });
  await put(`${service}@base`);
  const revision = await put(`${service}@production`);
  await put(`orders@${environment}`);
  await put('orders@staging', word('document'));
  await api.must('PUT', `${layerPath(`${service}@production`)}/schemas/application`, { type: 'object', title: word('schema'), properties: { 'not-in-the-ledger': false } });
  await api.must('PUT', `${layerPath(`${service}@production`)}/includes`, { includes: [{ service: 'orders' }] });
  const changes = { own: await change(`${service}@production`), mixed: await change(`${service}@production`, 'orders@production'), empty: await change() };
  await publish(await change(`${service}@production`, `orders@${environment}`));

  const key = (await api.must('POST', '/api/v1/client-keys', { name: word('key'), service, environment: 'base' })).json as { id: string; secret: string };
  const grant = { role: 'viewer', services: service, environment: 'base' };
  const { id: token } = (await api.must('POST', '/api/v1/tokens', { name: word('token'), grants: [grant] })).json as { id: string };
  const { id: granted } = (await api.must('POST', '/api/v1/grants', { subject: { kind: 'group', name: word('group') }, ...grant })).json as { id: string };
  const { id: person } = (await api.must('POST', '/api/v1/people', { login: word('login'), name: word('person') })).json as { id: string };
  const instance = await openStream(api.url, key.secret, { service, environment: 'production' });
  return { service, environment, revision, changes, key: key.id, token, grant: granted, person, group: word('group'), disconnect: () => instance.close() };
}
