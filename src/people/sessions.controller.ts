import { Controller, Delete, Get, HttpCode, Param, Req, Res } from '@nestjs/common';
import { ApiNoContentResponse, ApiOkResponse, ApiOperation, ApiTags } from '@nestjs/swagger';
import { Needs } from '../http/needs';
import { CurrentActor, type FastifyReply, type FastifyRequest } from '../http/request-context';
import type { Actor } from '../kernel/actor';
import { DomainError } from '../kernel/domain-error';
import { IdentityProvider } from './identity-provider';
import { SessionAnswers } from './session-answers';
import { Sessions } from './sessions';
import { SessionParams, SessionsView, SignedOut } from './sign-in.dto';

/** One's own sessions, and how they end. */
@ApiTags('people')
@Controller('api/v1')
export class SessionsController {
  constructor(
    private readonly sessions: Sessions,
    private readonly identityProvider: IdentityProvider,
    private readonly answers: SessionAnswers,
  ) {}

  @Delete('session')
  @Needs('signed-in')
  @ApiOperation({ summary: 'Sign out' })
  @ApiOkResponse({ type: SignedOut })
  async signOut(@CurrentActor() actor: Actor, @Res({ passthrough: true }) reply: FastifyReply): Promise<SignedOut> {
    const [session] = actor.kind === 'session' ? (await this.sessions.list(actor.person?.id ?? '')).filter(({ id }) => id === actor.id) : [];
    if (session === undefined) throw new DomainError('credential_not_found', 'The request came with a token, and not with a session that could end. Revoke tokens with DELETE /api/v1/tokens/{id}.');
    await this.sessions.endNow(actor, { id: actor.id }, 'signed out');
    this.answers.goodbye(reply);
    return { endSessionUrl: session.method === 'oidc' ? ((await this.identityProvider.endSessionUrl()) ?? null) : null };
  }

  @Get('sessions')
  @Needs('signed-in')
  @ApiOperation({ summary: 'Where one is signed in, latest first' })
  @ApiOkResponse({ type: SessionsView })
  async list(@CurrentActor() { id: current, person }: Actor): Promise<SessionsView> {
    const sessions = person === undefined ? [] : await this.sessions.list(person.id);
    return { items: sessions.map((session) => ({
      id: session.id,
      current: session.id === current,
      method: session.method,
      address: session.address,
      userAgent: session.userAgent,
      createdAt: session.createdAt.toISOString(),
      lastUsedAt: session.lastUsedAt?.toISOString() ?? null,
      expiresAt: (session.expiresAt ?? session.endsAt).toISOString(),
      endsAt: session.endsAt.toISOString(),
    })) };
  }

  @Delete('sessions')
  @Needs('signed-in')
  @HttpCode(204)
  @ApiOperation({ summary: 'Sign out everywhere' })
  @ApiNoContentResponse()
  async signOutEverywhere(@CurrentActor() actor: Actor, @Req() { credential }: FastifyRequest, @Res({ passthrough: true }) reply: FastifyReply): Promise<void> {
    if (actor.person !== undefined) await this.sessions.endNow(actor, { personId: actor.person.id }, 'signed out everywhere');
    if (credential?.kind === 'session') this.answers.goodbye(reply);
  }

  @Delete('sessions/:id')
  @Needs('signed-in')
  @HttpCode(204)
  @ApiOperation({ summary: 'End one of one\'s own sessions' })
  @ApiNoContentResponse()
  async end(@CurrentActor() actor: Actor, @Param() { id }: SessionParams): Promise<void> {
    const ended = actor.person === undefined ? 0 : await this.sessions.endNow(actor, { personId: actor.person.id, id }, 'ended elsewhere');
    if (ended === 0) throw new DomainError('credential_not_found', `You have no session with the id ${id}.`);
  }
}
