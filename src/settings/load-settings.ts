import { VARIABLES, type Settings } from './settings';
import { SettingFault, type Variable } from './variable';

type Environment = Readonly<Record<string, string | undefined>>;
type VariableTree = { readonly [key: string]: Variable<unknown> | VariableTree };

/** Every fault of the environment at once, each line beginning with the variable it is about. */
export class SettingsError extends Error {
  constructor(readonly faults: readonly string[]) {
    super(faults.join('\n'));
    this.name = 'SettingsError';
  }
}

/** Reads, validates and freezes the settings. Throws a {@link SettingsError} that names every fault. */
export function loadSettings(env: Environment = process.env): Settings {
  const faults: string[] = [];
  const settings = readTree(VARIABLES, env, faults) as Settings;
  const { documents, http } = settings;
  if (faults.length === 0 && http.maxBodyBytes < documents.maxBytes) {
    faults.push(
      `${VARIABLES.http.maxBodyBytes.name} (${http.maxBodyBytes}) must not be smaller than ` +
        `${VARIABLES.documents.maxBytes.name} (${documents.maxBytes}): no document of that size could be sent.`,
    );
  }
  faults.push(...faultsOfSignIn(settings));
  if (settings.secrets.masterKeys !== undefined && settings.secrets.masterKeyFile !== undefined) {
    faults.push(`${VARIABLES.secrets.masterKeys.name} and ${VARIABLES.secrets.masterKeyFile.name} are both set: name the keys in one place.`);
  }
  if (settings.role === 'edge' && settings.nats.url === undefined && faults.length === 0) {
    faults.push(`${VARIABLES.nats.url.name} is missing: an edge has everything it serves from NATS.`);
  }
  if (faults.length > 0) throw new SettingsError(faults);
  return settings;
}

/** What only shows when several variables are looked at together. */
function faultsOfSignIn({ sessions, oidc, publicUrl }: Settings): string[] {
  const faults: string[] = [];
  const names = VARIABLES.oidc;
  if (sessions.idleMinutes > sessions.maxMinutes) faults.push(`${VARIABLES.sessions.idleMinutes.name} (${sessions.idleMinutes}) must not be longer than ${VARIABLES.sessions.maxMinutes.name} (${sessions.maxMinutes}).`);
  if (oidc.clientSecret !== undefined && oidc.clientSecretFile !== undefined) faults.push(`${names.clientSecret.name} and ${names.clientSecretFile.name} are both set: keep the secret in one place.`);
  if (oidc.issuer === undefined) return faults;
  if (oidc.clientId === undefined) faults.push(`${names.clientId.name} is missing: ${names.issuer.name} needs it.`);
  if (publicUrl === undefined) faults.push(`${VARIABLES.publicUrl.name} is missing: the identity provider must know where to send people back.`);
  const { protocol, hostname } = new URL(oidc.issuer);
  if (protocol === 'http:' && !/^(?:localhost|127(?:\.\d+){3}|\[::1\])$/.test(hostname)) faults.push(`${names.issuer.name} must begin with https://: what it says decides who somebody is.`);
  if (!oidc.scopes.split(' ').includes('openid')) faults.push(`${names.scopes.name} must name the scope openid.`);
  return faults;
}

/** The variables in the order of the documentation. */
export function listVariables(tree: VariableTree = VARIABLES): Variable<unknown>[] {
  return Object.values(tree).flatMap((node) => (isVariable(node) ? [node] : listVariables(node)));
}

function readTree(tree: VariableTree, env: Environment, faults: string[]): unknown {
  const entries = Object.entries(tree).map(([key, node]) => [
    key,
    isVariable(node) ? readVariable(node, env, faults) : readTree(node, env, faults),
  ]);
  return Object.freeze(Object.fromEntries(entries));
}

function readVariable(variable: Variable<unknown>, env: Environment, faults: string[]): unknown {
  const value = env[variable.name];
  if (value === undefined) return variable.fallback;
  try {
    if (value.trim() === '') throw new SettingFault('is empty: give it a value, or unset it');
    return variable.parse(value);
  } catch (error) {
    if (!(error instanceof SettingFault)) throw error;
    faults.push(`${variable.name} ${error.message}.`);
    return variable.fallback;
  }
}

function isVariable(node: Variable<unknown> | VariableTree): node is Variable<unknown> {
  return typeof node.parse === 'function';
}
