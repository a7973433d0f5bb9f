import { Body, Controller, Get, Post, Put, Req, Res } from '@nestjs/common';
import { ApiCreatedResponse, ApiOkResponse, ApiOperation, ApiTags } from '@nestjs/swagger';
import { Needs, Public } from '../http/needs';
import { CurrentActor, type FastifyReply, type FastifyRequest } from '../http/request-context';
import { SecretBody } from '../http/route-config';
import type { Actor } from '../kernel/actor';
import type { Arrived } from './arrivals';
import { FirstAdministrator } from './first-administrator';
import { Links } from './links';
import { SessionAnswers } from './session-answers';
import { ChangePassword, CurrentSessionView, RedeemLink, SetUp, SignIn as Credentials } from './sign-in.dto';
import { SignIn } from './sign-in';

const COOKIE = 'The answer sets the cookie of the session; whatever changes something must then carry `csrfToken` as `X-CSRF-Token`.';

/** Everything with which a session begins, or gets another secret. */
@ApiTags('people')
@Controller('api/v1')
export class SessionController {
  constructor(
    private readonly signIns: SignIn,
    private readonly links: Links,
    private readonly firstAdministrator: FirstAdministrator,
    private readonly answers: SessionAnswers,
  ) {}

  @Post('session')
  @Public()
  @SecretBody()
  @ApiOperation({ summary: 'Sign in with login and password', description: COOKIE })
  @ApiCreatedResponse({ type: CurrentSessionView })
  async signIn(@Body() body: Credentials, @Req() request: FastifyRequest, @Res({ passthrough: true }) reply: FastifyReply): Promise<CurrentSessionView> {
    return this.welcome(reply, await this.signIns.signIn(body, this.answers.arrivalOf(request)));
  }

  @Get('session')
  @Needs('signed-in')
  @ApiOperation({ summary: 'Who is asking, and what they may do' })
  @ApiOkResponse({ type: CurrentSessionView })
  current(@Req() request: FastifyRequest): Promise<CurrentSessionView> {
    return this.answers.current(request);
  }

  @Put('session/password')
  @Needs('signed-in')
  @SecretBody()
  @ApiOperation({ summary: 'Change one\'s password', description: `Ends every session of the person, and begins a new one. ${COOKIE}` })
  @ApiOkResponse({ type: CurrentSessionView })
  async changePassword(@CurrentActor() actor: Actor, @Body() body: ChangePassword, @Req() request: FastifyRequest, @Res({ passthrough: true }) reply: FastifyReply): Promise<CurrentSessionView> {
    return this.welcome(reply, await this.signIns.changePassword(actor, body, this.answers.arrivalOf(request)));
  }

  @Post('links')
  @Public()
  @SecretBody()
  @ApiOperation({ summary: 'Set the password that an invitation or a reset link is for, and sign in', description: COOKIE })
  @ApiCreatedResponse({ type: CurrentSessionView })
  async redeem(@Body() body: RedeemLink, @Req() request: FastifyRequest, @Res({ passthrough: true }) reply: FastifyReply): Promise<CurrentSessionView> {
    return this.welcome(reply, await this.links.redeem(body, this.answers.arrivalOf(request)));
  }

  @Post('setup')
  @Public()
  @SecretBody()
  @ApiOperation({ summary: 'Make the first administrator, with the link that a start has printed, and sign in', description: COOKIE })
  @ApiCreatedResponse({ type: CurrentSessionView })
  async setUp(@Body() body: SetUp, @Req() request: FastifyRequest, @Res({ passthrough: true }) reply: FastifyReply): Promise<CurrentSessionView> {
    return this.welcome(reply, await this.firstAdministrator.setUp(body, this.answers.arrivalOf(request)));
  }

  private async welcome(reply: FastifyReply, arrived: Arrived): Promise<CurrentSessionView> {
    const view = await this.answers.arrived(arrived);
    this.answers.welcome(reply, arrived);
    return view;
  }
}
