/** The few things a figure does with the admin API to prepare what it measures. */
export function administer(url, token) {
  const call = async (method, path, body, contentType = 'application/json') => {
    const response = await fetch(url + path, {
      method,
      headers: { authorization: `Bearer ${token}`, 'content-type': contentType },
      body: typeof body === 'string' ? body : JSON.stringify(body),
    });
    const text = await response.text();
    if (!response.ok) throw new Error(`${method} ${path} answered ${response.status}: ${text}`);
    return text === '' ? undefined : JSON.parse(text);
  };
  return {
    service: (name) => call('POST', '/api/v1/services', { name }),
    publish: (service, source) => call('PUT', `/api/v1/services/${service}/environments/base/documents/application`, source),
    /** A key with which instances of any service read. */
    clientKey: async () => (await call('POST', '/api/v1/client-keys', { name: 'bench', service: '*', environment: 'base' })).secret,
  };
}
