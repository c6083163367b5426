import { describe, expect, it } from '@jest/globals';
import { filter, firstValueFrom, map, NEVER, of, type Observable } from 'rxjs';
import { U16 } from '../../src/codec/index.js';
import { defineMessage, SubmitSharesSuccess, UpdateChannel } from '../../src/messages/index.js';
import {
  createClient,
  createServer,
  defineTrigger,
  disconnect,
  earned,
  handleEach,
  lastWords,
  lastWordsTo,
  leaveServer,
  nonsense,
  ofTrigger,
  send,
  sendToServer,
  type ServerOptions,
} from '../../src/service/index.js';
import { fromClient, testConnector } from '../../src/testing/index.js';
import { close } from '../../marbles/support.js';

/** What is thrown or emitted as an error when a server with such a handler is started. */
function startedWith(mining: unknown): Promise<unknown> {
  const server = createServer({ listen: NEVER, mining } as ServerOptions);
  return firstValueFrom(server.start()).then(
    () => 'no error',
    (error: unknown) => error,
  );
}

const Go = defineTrigger('Go');

const Telemetry = defineMessage('Telemetry', {
  protocol: 'mining',
  sentBy: 'client',
  extensionType: 0x4001,
  messageType: 0,
  channelMessage: false,
  fields: { temperature: U16 },
});

/** The error that is emitted when a handler of a service emits this. */
function emitting(side: 'server' | 'client', protocol: 'mining' | 'jobDeclaration', emitted: unknown) {
  const handler = (event$: Observable<{ readonly type: string }>) =>
    event$.pipe(
      ofTrigger(Go),
      map(() => emitted as never),
    );
  const service =
    side === 'server'
      ? createServer({ listen: NEVER, [protocol]: handler, messages: [Telemetry] })
      : createClient({ [protocol]: { connect: NEVER, handler }, messages: [Telemetry] });
  const started$: Observable<{ readonly type: string }> = service.start();
  const running = started$.subscribe();
  const outcome$: Observable<{ readonly type: string }> = service.dispatch(Go());
  return firstValueFrom(outcome$.pipe(filter(({ type }) => type === 'handlerError'))).finally(() =>
    running.unsubscribe(),
  );
}

describe('a mistake that types would have prevented is named', () => {
  it.each([
    [() => undefined, 'undefined'],
    [() => null, 'null'],
    [() => send(1, close(1)), "an object of type 'send'"],
    [() => 7, 'a number'],
    [() => (): void => undefined, 'a function'],
  ])('a handler %o that returns %s', async (mining, returned) => {
    expect(await startedWith(mining)).toMatchObject({
      code: 'handler-failed',
      message: `the mining handler returned ${returned}, expected an Observable; is a return missing?`,
    });
  });

  it('an outcome of handleEach without brackets', async () => {
    const forgetful = handleEach('mining', () => send(1, close(1)) as never);
    expect(await firstValueFrom(of(fromClient(1, close(1))).pipe(forgetful))).toMatchObject({
      type: 'handlerError',
      error: {
        code: 'invalid-effect',
        message:
          "handleEach of the mining handler was given an object of type 'send', expected an array or a stream of outcomes",
      },
    });
  });

  it('a listener or a connector that is none', () => {
    const mining = () => NEVER;
    expect(() => createServer({ mining } as unknown as ServerOptions)).toThrow(
      'server: listen: expected an Observable of connections, such as listen({ … }), got undefined',
    );
    const connect = () => testConnector([]);
    expect(() => createClient({ mining: { connect: connect as never, handler: mining } })).toThrow(
      'client: mining.connect: expected what dials the server, such as connect(url), got a function',
    );
  });

  it.each([
    ['server', 'mining', sendToServer()],
    ['server', 'jobDeclaration', lastWords()],
    ['server', 'mining', leaveServer({ code: 'slow', message: 'too slow' })],
    ['client', 'mining', send(1)],
    ['client', 'jobDeclaration', disconnect(1, 'enough')],
    ['client', 'mining', lastWordsTo(1, () => [])],
    ['client', 'mining', nonsense(1)],
    ['client', 'mining', earned(1)],
  ] as const)(
    'an effect of the other side: a %s whose %s handler emits %o',
    async (side, protocol, effect) => {
      expect(await emitting(side, protocol, effect)).toMatchObject({
        handler: protocol,
        error: {
          code: 'invalid-effect',
          message: `${side}: the ${protocol} handler emitted ${effect.type}, which a ${side} cannot carry out`,
        },
      });
    },
  );

  const share = SubmitSharesSuccess({
    channelId: 1,
    lastSequenceNumber: 1,
    newSubmitsAcceptedCount: 1,
    newSharesSum: 1n,
  });
  const update = UpdateChannel({ channelId: 1, nominalHashRate: 1, maximumTarget: new Uint8Array(32) });
  it.each([
    ['server', 'send(clientId, …)', share],
    ['client', 'sendToServer(…)', update],
    ['server', 'send(clientId, …)', Telemetry({ temperature: 7 })],
    ['client', 'sendToServer(…)', Telemetry({ temperature: 7 })],
  ] as const)('a message that is not sent: a %s without %s', async (side, effect, message) => {
    expect(await emitting(side, 'mining', message)).toMatchObject({
      handler: 'mining',
      error: {
        code: 'invalid-effect',
        message: `${side}: the mining handler emitted the message ${message.type} itself; ${effect} sends it`,
      },
    });
  });
});
