import { Controller, Get, Query, Req, Res } from '@nestjs/common';
import { ApiOperation, ApiQuery, ApiResponse, ApiTags } from '@nestjs/swagger';
import { Public } from '../http/needs';
import type { FastifyReply, FastifyRequest } from '../http/request-context';
import { translateError } from '../http/translate-error';
import { IdentityProvider, refused } from './identity-provider';
import { OidcPeople } from './oidc-people';
import { originOf } from './request-origin';
import { SessionAnswers } from './session-answers';
import { StartOidc } from './sign-in.dto';

const ERROR_PAGE = 'Errors are redirected as well, to `/#sign-in-error=<code>&detail=<sentence>`: these routes are for browsers on their way.';

/** There and back: two pages of a browser's way, which is why every answer sends it on. */
@ApiTags('people')
@Controller('api/v1/session/oidc')
export class OidcController {
  constructor(
    private readonly identityProvider: IdentityProvider,
    private readonly people: OidcPeople,
    private readonly answers: SessionAnswers,
  ) {}

  @Get('start')
  @Public()
  @ApiOperation({ summary: 'Sign in at the identity provider', description: ERROR_PAGE })
  @ApiResponse({ status: 303, description: 'Go to the identity provider.' })
  async start(@Query() { return: back = '/' }: StartOidc, @Req() request: FastifyRequest, @Res({ passthrough: true }) reply: FastifyReply): Promise<void> {
    await this.sendOn(request, reply, async () => {
      const { url, pending } = await this.identityProvider.begin(back);
      this.answers.keepPending(reply, pending);
      return url;
    });
  }

  @Get('callback')
  @Public()
  @ApiOperation({ summary: 'Come back from the identity provider', description: ERROR_PAGE })
  @ApiQuery({ name: 'code', required: false })
  @ApiQuery({ name: 'state', required: false })
  @ApiResponse({ status: 303, description: 'Go on, signed in.' })
  async callback(@Req() request: FastifyRequest, @Res({ passthrough: true }) reply: FastifyReply): Promise<void> {
    await this.sendOn(request, reply, async () => {
      const pending = this.answers.takePending(request, reply);
      if (pending === undefined) throw refused('no sign-in was begun in this browser within the last minutes');
      const identity = await this.identityProvider.finish(request.url, pending).catch(async (error: unknown) => {
        await this.people.refuse(originOf(request), { reason: translateError(error).code });
        throw error;
      });
      this.answers.welcome(reply, await this.people.arrive(identity, this.answers.arrivalOf(request)));
      return pending.return;
    });
  }

  private async sendOn(request: FastifyRequest, reply: FastifyReply, work: () => Promise<string>): Promise<void> {
    void reply.code(303).header('location', await work().catch((error: unknown) => errorPage(error, request)));
  }
}

function errorPage(error: unknown, { log }: FastifyRequest): string {
  const { code, message, cause } = translateError(error);
  if (code === 'internal') log.error({ err: cause }, 'A sign-in at the identity provider has failed.');
  return `/#${new URLSearchParams({ 'sign-in-error': code, detail: message }).toString()}`;
}
