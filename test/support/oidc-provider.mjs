/**
 * A real identity provider, in a process of its own, because it is ESM. It prints its issuer once it listens. Who signs in
 * is said by the query of its interaction page, and what it tells of them by a POST to /people.
 */
import { createServer } from 'node:http';
import { Provider } from 'oidc-provider';

const [redirectUri, postLogoutRedirectUri] = process.argv.slice(2);
const people = new Map();

let handle;
const server = createServer((request, response) => void handle(request, response));
server.listen(0, '127.0.0.1', () => {
  const issuer = `http://127.0.0.1:${server.address().port}`;
  const provider = new Provider(issuer, {
    clients: [{ client_id: 'trimtab', client_secret: 'a secret of the client', redirect_uris: [redirectUri], post_logout_redirect_uris: [postLogoutRedirectUri], grant_types: ['authorization_code'], response_types: ['code'] }],
    claims: { openid: ['sub'], profile: ['name'], groups: ['groups'] },
    scopes: ['openid', 'groups'],
    pkce: { required: () => true },
    cookies: { keys: ['only for tests'] },
    features: { devInteractions: { enabled: false } },
    interactions: { url: (_context, { uid }) => `/interaction/${uid}` },
    findAccount: (_context, sub) => ({ accountId: sub, claims: () => ({ sub, ...people.get(sub) }) }),
    loadExistingGrant: async ({ oidc }) => {
      const grant = new oidc.provider.Grant({ clientId: oidc.client.clientId, accountId: oidc.session.accountId });
      grant.addOIDCScope('openid profile groups');
      await grant.save();
      return grant;
    },
  });
  const callback = provider.callback();
  handle = async (request, response) => {
    const { pathname, searchParams } = new URL(request.url, issuer);
    if (pathname === '/people') {
      const chunks = [];
      for await (const chunk of request) chunks.push(chunk);
      const { sub, ...claims } = JSON.parse(Buffer.concat(chunks).toString('utf8'));
      people.set(sub, claims);
      response.writeHead(204).end();
    } else if (pathname.startsWith('/interaction/') && searchParams.has('as')) {
      const result = searchParams.get('as') === '' ? { error: 'access_denied', error_description: 'declined' } : { login: { accountId: searchParams.get('as'), remember: false } };
      await provider.interactionFinished(request, response, result, { mergeWithLastSubmission: false });
    } else if (pathname.startsWith('/interaction/')) {
      response.writeHead(200).end('Who are you?');
    } else {
      await callback(request, response);
    }
  };
  process.stdout.write(`${issuer}\n`);
});
