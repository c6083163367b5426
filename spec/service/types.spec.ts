/** What the compiler has to know: `npm run typecheck` is what runs this spec. Nothing of it is executed. */
import { describe, expect, it } from '@jest/globals';
import { map, mergeMap, NEVER, of, type Observable } from 'rxjs';
import { U16 } from '../../src/codec/index.js';
import {
  defineMessage,
  NewTemplate,
  OpenStandardMiningChannel,
  SubmitSharesExtended,
  SubmitSharesStandard,
  SubmitSharesSuccess,
  UnknownMessage,
  type MessageOf,
  type MiningToServer,
  type OpenMiningChannelError,
  type OpenStandardMiningChannelSuccess,
} from '../../src/messages/index.js';
import {
  createClient,
  createServer,
  defineTrigger,
  ofEvent,
  ofMessage,
  ofTrigger,
  request,
  send,
  sendToServer,
  type ApplicationOutcome,
  type Client,
  type ClientAdded,
  type ClientOptions,
  type ClientRemoved,
  type MiningClientHandler,
  type MiningServerHandler,
  type Server,
  type ServerEvent,
  type ServerOptions,
  type ServerOutcome,
  type TemplateDistributionServerHandler,
} from '../../src/service/index.js';
import { testConnector } from '../../src/testing/index.js';

type Same<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;

/** `exactly<Expected>()(value)` compiles if `value` has that type, no wider and no narrower. */
const exactly =
  <Expected>() =>
  <Actual>(value: Actual, ..._: Same<Actual, Expected> extends true ? [] : [never]): Actual =>
    value;

/** As `exactly`, for what an Observable emits. */
const emits =
  <Expected>() =>
  <Actual>(_: Observable<Actual>, ...__: Same<Actual, Expected> extends true ? [] : [never]): void =>
    undefined;

const Telemetry = defineMessage('Telemetry', {
  protocol: 'mining',
  sentBy: 'client',
  extensionType: 0x4001,
  messageType: 0,
  channelMessage: false,
  fields: { temperature: U16 },
});

const none = { channelId: 1, lastSequenceNumber: 1, newSubmitsAcceptedCount: 1, newSharesSum: 1n };

interface ShareAccepted {
  readonly type: 'ShareAccepted';
  readonly difficulty: number;
}
interface TemplateSent {
  readonly type: 'TemplateSent';
}

function operators(event$: Observable<ServerEvent<MiningToServer>>): void {
  const message = <M>(event: { readonly message: M }): M => event.message;

  emits<SubmitSharesStandard>()(event$.pipe(ofMessage(SubmitSharesStandard), map(message)));
  emits<SubmitSharesStandard | SubmitSharesExtended>()(
    event$.pipe(ofMessage(SubmitSharesStandard, SubmitSharesExtended), map(message)),
  );
  emits<UnknownMessage>()(event$.pipe(ofMessage(UnknownMessage), map(message)));
  emits<number>()(
    event$.pipe(
      ofMessage(SubmitSharesStandard),
      map(({ clientId }) => clientId),
    ),
  );
  // @ts-expect-error a mining server never gets a template
  event$.pipe(ofMessage(NewTemplate));
  emits<MessageOf<typeof Telemetry>>()(event$.pipe(ofMessage(Telemetry), map(message)));
  // @ts-expect-error so that we know that a wrong expectation is found
  emits<SubmitSharesExtended>()(event$.pipe(ofMessage(SubmitSharesStandard), map(message)));

  emits<ClientAdded>()(event$.pipe(ofEvent('clientAdded')));
  emits<ClientAdded | ClientRemoved>()(event$.pipe(ofEvent('clientAdded', 'clientRemoved')));
  // @ts-expect-error a server does not see this event
  event$.pipe(ofEvent('connected'));

  const Tip = defineTrigger('Tip', (height: number) => ({ height }));
  const Stop = defineTrigger('Stop');
  emits<number>()(
    event$.pipe(
      ofTrigger(Tip),
      map(({ height }) => height),
    ),
  );
  emits<'Tip' | 'Stop'>()(
    event$.pipe(
      ofTrigger(Tip, Stop),
      map(({ trigger }) => trigger),
    ),
  );
}

function handlers(): readonly unknown[] {
  const mining: MiningServerHandler = (event$) =>
    event$.pipe(
      ofEvent('message'),
      mergeMap(({ message }) => {
        exactly<MiningToServer>()(message);
        return [];
      }),
    );
  // @ts-expect-error a server's handler has no server to send to
  const wrongSide: MiningServerHandler = () => of(sendToServer());
  // @ts-expect-error a client's handler has no clients
  const otherSide: MiningClientHandler = () => of(send(1));
  // @ts-expect-error an outcome that the handler's type does not name
  const unnamed: MiningServerHandler = () => of({ type: 'ShareAccepted' });
  // @ts-expect-error a message that is not sent
  createServer({ listen: NEVER, mining: () => of(Telemetry({ temperature: 7 }), SubmitSharesSuccess(none)) });
  // @ts-expect-error the creator of a message instead of one
  send(1, Telemetry);
  // @ts-expect-error something else by the name of a message
  send(1, { type: 'NewTemplate' });
  send(1, Telemetry({ temperature: 7 }), SubmitSharesSuccess(none));
  sendToServer(Telemetry({ temperature: 7 }));
  return [mining, wrongSide, otherSide, unnamed];
}

function outcomes(): void {
  const mining: MiningServerHandler<ShareAccepted> = () => NEVER;
  const templates: TemplateDistributionServerHandler<TemplateSent> = () => NEVER;

  exactly<Server<ShareAccepted>>()(createServer({ listen: NEVER, mining }));
  const both = exactly<Server<ShareAccepted | TemplateSent>>()(
    createServer({
      listen: NEVER,
      mining: { handler: mining, successFlags: 0 },
      templateDistribution: templates,
    }),
  );
  emits<ServerOutcome<ShareAccepted | TemplateSent>>()(both.start());

  // without annotations
  exactly<Server<{ type: 'mine'; clientId: number }>>()(
    createServer({
      listen: NEVER,
      mining: (event$) =>
        event$.pipe(
          ofMessage(SubmitSharesStandard),
          mergeMap(({ clientId }) => [send(clientId), { type: 'mine' as const, clientId }]),
        ),
    }),
  );
  exactly<Server>()(createServer({ listen: NEVER, mining: (event$) => event$.pipe(map(() => send(1))) }));

  const client: MiningClientHandler<ShareAccepted> = () => NEVER;
  exactly<Client<ShareAccepted>>()(createClient({ mining: { connect: testConnector([]), handler: client } }));
  exactly<Client>()(
    createClient({
      mining: { connect: testConnector([]), handler: (event$) => event$.pipe(map(() => sendToServer())) },
    }),
  );
}

/** Functions of users that make services of any handler. */
function wrappers(): readonly unknown[] {
  function serverOf<A extends ApplicationOutcome>(mining: MiningServerHandler<A>): Server<A> {
    return createServer({ listen: NEVER, mining });
  }
  function serverWith<A extends ApplicationOutcome, B extends ApplicationOutcome = never>(
    options: Omit<ServerOptions<A, B>, 'listen'>,
  ): Server<A | B> {
    return createServer<A, B>({ ...options, listen: NEVER });
  }
  function clientOf<A extends ApplicationOutcome>(handler: MiningClientHandler<A>): Client<A> {
    return createClient({ mining: { connect: testConnector([]), handler } });
  }
  function clientWith<A extends ApplicationOutcome>(options: ClientOptions<A>): Client<A> {
    return createClient(options);
  }
  const mining: MiningServerHandler<ShareAccepted> = () => NEVER;
  const client: MiningClientHandler<ShareAccepted> = () => NEVER;
  return [
    exactly<Server<ShareAccepted>>()(serverOf(mining)),
    exactly<Server<ShareAccepted>>()(serverWith({ mining })),
    exactly<Client<ShareAccepted>>()(clientOf(client)),
    exactly<Client<ShareAccepted>>()(clientWith({ mining: { connect: testConnector([]), handler: client } })),
  ];
}

function requests(): readonly unknown[] {
  const message = OpenStandardMiningChannel({
    requestId: 1,
    userIdentity: '',
    nominalHashRate: 0,
    maxTarget: new Uint8Array(32),
  });
  const asks: MiningClientHandler = (event$) =>
    request(event$, message, (reply) => {
      exactly<OpenStandardMiningChannelSuccess | OpenMiningChannelError>()(reply);
      return NEVER;
    });
  const asksClient: MiningServerHandler = (event$) => request(event$, message, () => NEVER, { clientId: 1 });
  // @ts-expect-error without a client there is nobody to ask
  const asksNobody: MiningServerHandler = (event$) => request(event$, message, () => NEVER);
  // @ts-expect-error shares are acknowledged in batches, not one by one
  const asksShare = request(NEVER, SubmitSharesStandard({} as SubmitSharesStandard), () => NEVER);
  return [asks, asksClient, asksNobody, asksShare];
}

describe('types', () => {
  it('are checked by the compiler', () => {
    expect([operators, handlers, outcomes, wrappers, requests]).toHaveLength(5);
  });
});
