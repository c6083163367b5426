import { describe, expect, it } from '@jest/globals';
import * as fc from 'fast-check';
import { filter, map } from 'rxjs';
import { OPTION, STR0_255, U16, U32 } from '../src/codec/index.js';
import { fromJson, toJson } from '../src/framing/index.js';
import {
  defineMessage,
  OpenStandardMiningChannel,
  ownMessages,
  RequestExtensions,
  RequestExtensionsSuccess,
  UnknownMessage,
  type MessageOf,
} from '../src/messages/index.js';
import {
  createClient,
  createServer,
  ofMessage,
  relay,
  send,
  sendToServer,
  type MiningClientHandler,
  type MiningServerHandler,
} from '../src/service/index.js';
import {
  like,
  marbles,
  memoryNetwork,
  messageArbitrary,
  setupConnection,
  testConnector,
} from '../src/testing/index.js';
import { clients, welcome } from './support.js';

/** A vendor's extension: what the machine measures, and what it is told to do. */
const extension = 0x4001;
const Telemetry = defineMessage('Telemetry', {
  protocol: 'mining',
  sentBy: 'client',
  extensionType: extension,
  messageType: 0,
  channelMessage: false,
  fields: { temperature: U16, board: OPTION(STR0_255) },
});
const SetFan = defineMessage('SetFan', {
  protocol: 'mining',
  sentBy: 'server',
  extensionType: extension,
  messageType: 1,
  channelMessage: false,
  fields: { speed: U32 },
});
const messages = [Telemetry, SetFan];

const s = setupConnection();
const w = welcome();
const ask = RequestExtensions({ requestId: 1, requestedExtensions: [extension] });
const yes = RequestExtensionsSuccess({ requestId: 1, supportedExtensions: [extension] });
const hot = Telemetry({ temperature: 90, board: 'b1' });
const fast = SetFan({ speed: 100 });

const cooling: MiningServerHandler<{ type: 'Heat'; temperature: number }> = (event$) =>
  event$.pipe(
    ofMessage(Telemetry),
    map(({ clientId, message }) =>
      message.temperature > 80
        ? send(clientId, SetFan({ speed: 100 }))
        : { type: 'Heat' as const, temperature: message.temperature },
    ),
  );

const machine: MiningClientHandler = (event$) =>
  event$.pipe(
    ofMessage(SetFan),
    map(({ message }) => sendToServer(Telemetry({ temperature: message.speed, board: null }))),
  );

describe('messages of an application', () => {
  it('are handled and sent by a server that declares them, once their extension is negotiated', () => {
    marbles(({ connection, expectSent, expectOutcomes }) => {
      const cool = Telemetry({ temperature: 20, board: null });
      const client = connection('s-h-a-h-c', { s, a: ask, h: hot, c: cool }, { messages });
      const server = createServer({
        listen: clients(client),
        mining: cooling,
        messages,
        extensions: { supported: [extension] },
      });
      expectSent(client).toBe('w---y-f', { w, y: yes, f: fast });
      expectOutcomes(server.start(), 'Heat', 'rejected', 'handlerError').toBe('--------t', {
        t: { type: 'Heat', temperature: 20 },
      });
    });
  });

  it('are not sent where they were not negotiated', () => {
    marbles(({ connection, expectSent, expectOutcomes }) => {
      const client = connection('s-o', {
        s,
        o: OpenStandardMiningChannel({
          requestId: 1,
          userIdentity: '',
          nominalHashRate: 1,
          maxTarget: new Uint8Array(32),
        }),
      });
      const server = createServer({
        listen: clients(client),
        mining: (event$) =>
          event$.pipe(
            ofMessage(OpenStandardMiningChannel),
            map(({ clientId }) => send(clientId, fast)),
          ),
        messages,
        extensions: { supported: [extension] },
      });
      expectSent(client).toBe('w', { w });
      expectOutcomes(server.start(), 'undeliverable').toBe('--u', {
        u: { type: 'undeliverable', clientId: 1, messages: [fast] },
      });
    });
  });

  it('are handled and sent by a client that declares them, and rejected the wrong way round', () => {
    marbles(({ connection, expectSent, expectOutcomes }) => {
      const server = connection('w-y-f-h', { w, y: yes, f: fast, h: hot }, { messages });
      const client = createClient({
        mining: { connect: testConnector([server]), handler: machine },
        messages,
        extensions: { supported: [extension] },
      });
      expectSent(server).toBe('(sa)t', {
        s: like({ type: 'SetupConnection' }),
        a: ask,
        t: Telemetry({ temperature: 100, board: null }),
      });
      expectOutcomes(client.start(), 'rejected').toBe('------r', {
        r: like({ type: 'rejected', code: 'unsupported-message', message: hot }),
      });
    });
  });

  it('are seen by the operators of a relay, and pass unknown otherwise', () => {
    marbles(({ connection, expectSent, expectOutcomes }) => {
      const client = connection('s-h', { s, h: hot }, { messages });
      const server = connection('w', { w }, { messages });
      const outcome$ = relay({
        listen: clients(client),
        connect: testConnector([server]),
        messages: [Telemetry],
        toServer: (message$) =>
          message$.pipe(
            map((message) =>
              Telemetry.match(message) ? { ...message, temperature: message.temperature - 50 } : message,
            ),
          ),
      });
      expectSent(server).toBe('s-c', { s, c: Telemetry({ temperature: 40, board: 'b1' }) });
      expectOutcomes(outcome$, 'disconnected').toBe('');
    });
  });

  it('come and go on connections that declare them', () => {
    marbles(({ expectObservable }) => {
      const network = memoryNetwork();
      const seen: MessageOf<typeof Telemetry>[] = [];
      const server = createServer({
        listen: network.listen({ address: 'other', messages }),
        mining: (event$) =>
          event$.pipe(
            ofMessage(Telemetry),
            map(({ message }) => (seen.push(message), { type: 'seen' })),
          ),
        messages,
        extensions: { supported: [extension] },
      });
      const client = createClient({
        mining: {
          connect: network.connect({ address: 'other', encrypted: false, messages }),
          handler: (event$) =>
            event$.pipe(
              filter(({ type }) => type === 'connected'),
              map(() => sendToServer(hot)),
            ),
        },
        messages,
        extensions: { supported: [extension] },
      });
      expectObservable(
        server.start().pipe(
          filter(({ type }) => type === 'seen'),
          map(() => seen[0]),
        ),
        '10ms !',
      ).toBe('s', { s: hot });
      expectObservable(client.start().pipe(filter(({ type }) => type === 'handlerError')), '10ms !').toBe('');
    });
  });

  it('have a JSON form', () => {
    const own = ownMessages(messages);
    const json = {
      name: 'Telemetry',
      messageType: 0,
      extensionType: extension,
      channelMsg: false,
      payload: { temperature: 90, board: 'b1' },
    };
    expect(toJson(hot, own)).toEqual(json);
    expect(toJson(own.write(hot as never), own)).toEqual(json);
    expect(fromJson(json, own)).toEqual(hot);
    expect(fromJson({ name: 'Telemetry', payload: json.payload }, own)).toEqual(hot);
    expect(toJson(own.write(hot as never)).name).toBe('Unknown');
    expect(() => fromJson({ name: 'Telemetry', payload: json.payload })).toThrow('there is no message');
  });

  it('survive the wire, whatever is in them', () => {
    const own = ownMessages(messages);
    fc.assert(
      fc.property(
        messageArbitrary(fc as never, Telemetry) as never,
        (message: MessageOf<typeof Telemetry>) => {
          const wire = own.write(message as never);
          expect(UnknownMessage.match(wire)).toBe(true);
          expect(own.read(wire)).toEqual(message);
        },
      ),
      { seed: 8, numRuns: 200 },
    );
  });

  it.each([
    [[Telemetry, Telemetry], 'cannot be told apart'],
    [[Telemetry, defineMessage('Other', { ...Telemetry.schema, name: 'Other' })], 'cannot be told apart'],
    [[defineMessage('NewTemplate', { ...Telemetry.schema, name: 'NewTemplate' })], 'cannot be told apart'],
    [[defineMessage('Other', { ...Telemetry.schema, extensionType: 0 })], 'needs an extensionType from 1'],
  ])('cannot be declared twice or without an extension (%#)', (declared, problem) => {
    expect(() => createServer({ listen: clients(), mining: cooling, messages: declared })).toThrow(problem);
    expect(() => memoryNetwork().listen({ messages: declared })).toThrow(problem);
  });
});
