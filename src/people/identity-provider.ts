import { Inject, Injectable, Logger } from '@nestjs/common';
import { readFile } from 'node:fs/promises';
import type * as OpenId from 'openid-client';
import { GROUP_NAME_PATTERN } from '../access/group-member.entity';
import { DomainError } from '../kernel/domain-error';
import { SETTINGS, type Settings } from '../settings/settings';

type Claims = Readonly<Record<string, unknown>>;

/** Who somebody is by the word of the provider. */
export interface Identity {
  readonly issuer: string;
  readonly subject: string;
  readonly name: string;
  readonly groups: readonly string[];
}

/** What the answer of the provider must match: kept in a cookie of the browser that asked, so that no other can bring it. */
export interface PendingSignIn {
  readonly state: string;
  readonly nonce: string;
  readonly verifier: string;
  /** Path on this server to come back to. */
  readonly return: string;
}

export const OIDC_CALLBACK = '/api/v1/session/oidc/callback';
const TIMEOUT_SECONDS = 5;
/** After this long the provider is asked again where its endpoints are. */
const DISCOVERED_MS = 3_600_000;
const MAX_NAME = 200;
const MAX_GROUPS = 500;

/** The identity provider: authorization code with PKCE, state and nonce. Whether it can be reached matters to nobody who signs in here. */
@Injectable()
export class IdentityProvider {
  private readonly logger = new Logger(IdentityProvider.name);
  private discovered: { readonly configuration: Promise<OpenId.Configuration>; readonly at: number } | undefined;

  constructor(@Inject(SETTINGS) private readonly settings: Settings) {}

  /** Where to send the browser, and what to keep in its cookie meanwhile. */
  async begin(returnPath: string): Promise<{ readonly url: string; readonly pending: PendingSignIn }> {
    const configuration = await this.configuration();
    const client = await library();
    const pending = { state: client.randomState(), nonce: client.randomNonce(), verifier: client.randomPKCECodeVerifier(), return: returnPath };
    const url = client.buildAuthorizationUrl(configuration, {
      redirect_uri: this.publicUrl() + OIDC_CALLBACK,
      scope: this.settings.oidc.scopes,
      state: pending.state,
      nonce: pending.nonce,
      code_challenge: await client.calculatePKCECodeChallenge(pending.verifier),
      code_challenge_method: 'S256',
    });
    return { url: url.href, pending };
  }

  /**
   * Who has come back.
   *
   * @param callback path and query of the request
   * @throws DomainError `sign_in_failed`, or `unavailable` when the provider cannot be reached
   */
  async finish(callback: string, { state, nonce, verifier }: PendingSignIn): Promise<Identity> {
    const configuration = await this.configuration();
    const client = await library();
    try {
      const tokens = await client.authorizationCodeGrant(configuration, new URL(callback, this.publicUrl()), { expectedState: state, expectedNonce: nonce, pkceCodeVerifier: verifier, idTokenExpected: true });
      const claims = tokens.claims();
      if (claims === undefined) throw refused('it has sent no ID token');
      return this.identityOf(await this.withGroups(configuration, claims, tokens.access_token));
    } catch (error) {
      throw this.explain(error);
    }
  }

  /** Where to send the browser to sign out there as well; undefined when the provider does not offer it. */
  async endSessionUrl(): Promise<string | undefined> {
    if (this.settings.oidc.issuer === undefined) return undefined;
    try {
      const configuration = await this.configuration();
      if (configuration.serverMetadata().end_session_endpoint === undefined) return undefined;
      return (await library()).buildEndSessionUrl(configuration, { post_logout_redirect_uri: `${this.publicUrl()}/` }).href;
    } catch {
      // Signing out here does not wait for anybody.
      return undefined;
    }
  }

  /** Many providers tell the groups only when they are asked for them with the access token. */
  private async withGroups(configuration: OpenId.Configuration, claims: OpenId.IDToken, accessToken: string): Promise<Claims & { iss: string; sub: string }> {
    const isComplete = claims[this.settings.oidc.groupsClaim] !== undefined && claims['name'] !== undefined;
    if (isComplete || configuration.serverMetadata().userinfo_endpoint === undefined) return claims;
    return { ...(await (await library()).fetchUserInfo(configuration, accessToken, claims.sub)), ...claims };
  }

  private identityOf(claims: Claims & { iss: string; sub: string }): Identity {
    const named = [claims['name'], claims['preferred_username'], claims.sub].find((name): name is string => typeof name === 'string' && name.trim() !== '') ?? '';
    return { issuer: claims.iss, subject: claims.sub, name: storable(named).slice(0, MAX_NAME), groups: groupsOf(claims[this.settings.oidc.groupsClaim]) };
  }

  private configuration(): Promise<OpenId.Configuration> {
    const now = performance.now();
    if (this.discovered === undefined || now - this.discovered.at > DISCOVERED_MS) {
      const configuration = this.discover();
      const discovered = { configuration, at: now };
      this.discovered = discovered;
      configuration.catch(() => {
        if (this.discovered === discovered) this.discovered = undefined;
      });
    }
    return this.discovered.configuration;
  }

  private async discover(): Promise<OpenId.Configuration> {
    const { issuer, clientId = '', clientSecret, clientSecretFile } = this.settings.oidc;
    if (issuer === undefined) throw new DomainError('route_not_found', 'No identity provider is set up here (TRIMTAB_OIDC_ISSUER): sign in with a login and a password.');
    const client = await library();
    try {
      const secret = clientSecretFile === undefined ? clientSecret : (await readFile(clientSecretFile, 'utf8')).trim();
      const authentication = secret === undefined ? client.None() : client.ClientSecretBasic(secret);
      const execute = [client.enableNonRepudiationChecks, ...(issuer.startsWith('http:') ? [client.allowInsecureRequests] : [])];
      return await client.discovery(new URL(issuer), clientId, undefined, authentication, { execute, timeout: TIMEOUT_SECONDS });
    } catch (error) {
      this.logger.warn(`The identity provider at ${issuer} cannot be used: ${reasonOf(error)}.`);
      throw new DomainError('unavailable', 'The identity provider cannot be reached right now. Try again in a moment, or sign in with a password.', { cause: error });
    }
  }

  /** What comes from the provider may hold tokens and is never logged whole. */
  private explain(error: unknown): DomainError {
    if (error instanceof DomainError) return error;
    this.logger.warn(`A sign-in at the identity provider has failed: ${reasonOf(error)}.`);
    if (isUnreachable(error)) return new DomainError('unavailable', 'The identity provider cannot be reached right now. Try again in a moment, or sign in with a password.', { cause: error });
    return refused((error as { error?: unknown }).error === 'access_denied' ? 'it was declined there' : 'its answer does not belong to a sign-in that was begun in this browser, or was used before');
  }

  private publicUrl(): string {
    return this.settings.publicUrl ?? '';
  }
}

export function refused(why: string): DomainError {
  return new DomainError('sign_in_failed', `The identity provider's word was not accepted: ${why}. Begin again.`);
}

/** Loaded when it is first needed: most servers of a test, and many of others, never do. */
function library(): Promise<typeof OpenId> {
  return import('openid-client');
}

/** Names of groups as they are; what cannot be the name of one is left out. */
function groupsOf(claim: unknown): string[] {
  const listed = (Array.isArray(claim) ? claim : [claim]).filter((group): group is string => typeof group === 'string');
  return [...new Set(listed.filter((group) => GROUP_NAME_PATTERN.test(group)))].slice(0, MAX_GROUPS);
}

function storable(text: string): string {
  return text.replace(/[\p{Cc}\p{Cs}]/gu, '').trim();
}

function isUnreachable(error: unknown): boolean {
  const { name, code, cause } = error as { name?: string; code?: string; cause?: { status?: number; code?: string } };
  return name === 'TypeError' || code === 'OAUTH_TIMEOUT' || (cause?.status ?? 0) >= 500;
}

function reasonOf(error: unknown): string {
  const { message, code, error: named } = error as { message?: string; code?: string; error?: string };
  return [message, code, named].filter((part): part is string => typeof part === 'string').join(', ');
}
