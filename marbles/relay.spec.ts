import { describe, expect, it } from '@jest/globals';
import {
  delay,
  EMPTY,
  filter,
  ignoreElements,
  map,
  merge,
  mergeMap,
  NEVER,
  of,
  take,
  tap,
  throwError,
  withLatestFrom,
} from 'rxjs';
import {
  maxPayloadSize,
  NewMiningJob,
  OpenStandardMiningChannel,
  Reconnect,
  RequestExtensionsSuccess,
  SetupConnectionError,
  SubmitSharesError,
  SubmitSharesStandard,
  UnknownMessage,
  type Message,
} from '../src/messages/index.js';
import { relay, SetupRefusedError, type ToClient, type ToServer } from '../src/service/index.js';
import { like, marbles, setupConnection, testConnector } from '../src/testing/index.js';
import { TransportError } from '../src/transport/index.js';
import { accepted, close, clients, share, welcome } from './support.js';

const s = setupConnection();
const w = welcome();
const open = (userIdentity: string) =>
  OpenStandardMiningChannel({
    requestId: 1,
    userIdentity,
    nominalHashRate: 1,
    maxTarget: new Uint8Array(32),
  });
const job = (jobId: number) =>
  NewMiningJob({ channelId: 1, jobId, minNtime: null, version: 0, merkleRoot: new Uint8Array(32) });
const vendors = UnknownMessage({
  extensionType: 0x4001,
  messageType: 7,
  channelMessage: false,
  payload: Uint8Array.of(1, 2, 3),
});

/** Prefixes the names of miners. */
const rename: ToServer = (message$) =>
  message$.pipe(
    map((message) =>
      OpenStandardMiningChannel.match(message)
        ? { ...message, userIdentity: `farm.${message.userIdentity}` }
        : message,
    ),
  );

describe('a relay', () => {
  it('dials a server for each client, and passes what each says to the other, in order', () => {
    marbles(({ connection, expectSent, expectOutcomes }) => {
      const first = connection('s--(ab)', { s, a: open('a'), b: share(1) });
      const second = connection('--s----c', { s, c: close(1) });
      const [one, two] = [
        connection('w-----(xy)', { w, x: job(1), y: accepted(1) }),
        connection('w---z', { w, z: job(2) }),
      ];
      const outcome$ = relay({ listen: clients(first, second), connect: testConnector([one, two]) });

      expectOutcomes(outcome$).toBe('a-b', {
        a: like({ type: 'connected', clientId: 1, client: like({ clientId: 1, setup: s }) }),
        b: like({ type: 'connected', clientId: 2 }),
      });
      expectSent(one).toBe('s--(ab)', { s, a: open('a'), b: share(1) });
      expectSent(two).toBe('--s----c', { s, c: close(1) });
      expectSent(first).toBe('w-----(xy)', { w, x: job(1), y: accepted(1) });
      expectSent(second).toBe('--w---z', { w, z: job(2) });
    });
  });

  it('sends what operators make of messages, SetupConnection among them', () => {
    marbles(({ connection, expectSent, expectOutcomes }) => {
      const client = connection('s--(ab)', { s, a: open('a'), b: vendors });
      const server = connection('w-(xy)', { w, x: job(1), y: job(2) });
      const disguise: ToServer = (message$, pair) =>
        rename(message$, pair).pipe(
          map((message) => (message.type === 'SetupConnection' ? { ...message, vendor: 'relay' } : message)),
        );
      const outcome$ = relay({
        listen: clients(client),
        connect: testConnector([server]),
        toServer: disguise,
        toClient: (message$) =>
          message$.pipe(filter((message) => !NewMiningJob.match(message) || message.jobId > 1)),
      });

      expectOutcomes(outcome$, 'disconnected').toBe('');
      expectSent(server).toBe('s--(ab)', { s: { ...s, vendor: 'relay' }, a: open('farm.a'), b: vendors });
      expectSent(client).toBe('w-y', { w, y: job(2) });
    });
  });

  it('lets each direction see the other: a share that is not for the present job is answered here', () => {
    marbles(({ connection, expectSent, expectOutcomes }) => {
      const refused = SubmitSharesError({ channelId: 1, sequenceNumber: 7, errorCode: 'stale-share' });
      const client = connection('s--a--b-c', { s, a: share(1), b: share(7), c: close(1) });
      const server = connection('w-x--y', { w, x: job(1), y: job(2) });
      const isStale = ([{ jobId }, job]: readonly [SubmitSharesStandard, NewMiningJob]) =>
        jobId !== job.jobId;
      const toServer: ToServer = (message$, { toClient$ }) =>
        merge(
          message$.pipe(filter((message) => !SubmitSharesStandard.match(message))),
          message$.pipe(
            filter(SubmitSharesStandard.match),
            withLatestFrom(toClient$.pipe(filter(NewMiningJob.match))),
            filter((pair) => !isStale(pair)),
            map(([message]) => message),
          ),
        );
      const toClient: ToClient = (message$, { fromClient$ }) =>
        merge(
          message$,
          fromClient$.pipe(
            filter(SubmitSharesStandard.match),
            withLatestFrom(message$.pipe(filter(NewMiningJob.match))),
            filter(isStale),
            map(() => refused),
          ),
        );
      const outcome$ = relay({
        listen: clients(client),
        connect: testConnector([server]),
        toServer,
        toClient,
      });

      expectOutcomes(outcome$, 'disconnected').toBe('');
      expectSent(server).toBe('s--a----c', { s, a: share(1), c: close(1) });
      expectSent(client).toBe('w-x--yr', { w, x: job(1), y: job(2), r: refused });
    });
  });

  it('shows what was received apart from what was sent on', () => {
    marbles(({ connection, expectOutcomes }) => {
      const seen: [string, string][] = [];
      const note = (stream: string) => tap(({ type }: Message) => seen.push([stream, type]));
      const outcome$ = relay({
        listen: clients(connection('s-a|', { s, a: share(1) })),
        connect: testConnector([connection('wx', { w, x: job(1) })]),
        toServer: (message$, { fromServer$, toClient$ }) =>
          merge(
            message$.pipe(filter((message) => message.type === 'SetupConnection')),
            merge(fromServer$.pipe(note('fromServer$')), toClient$.pipe(note('toClient$'))).pipe(
              ignoreElements(),
            ),
          ),
        toClient: (message$, { fromClient$, toServer$ }) =>
          merge(
            message$.pipe(filter((message) => message.type !== 'NewMiningJob')),
            merge(fromClient$.pipe(note('fromClient$')), toServer$.pipe(note('toServer$'))).pipe(
              ignoreElements(),
            ),
          ),
      });
      const expected = [
        ['fromClient$', 'SetupConnection'],
        ['toServer$', 'SetupConnection'],
        ['fromServer$', 'SetupConnection.Success'],
        ['toClient$', 'SetupConnection.Success'],
        ['fromServer$', 'NewMiningJob'],
        ['fromClient$', 'SubmitSharesStandard'],
      ];
      const sorted = (entries: readonly (readonly string[])[]) => entries.map((entry) => entry.join()).sort();
      expectOutcomes(
        outcome$.pipe(
          tap(({ type }) => type === 'disconnected' && expect(sorted(seen)).toEqual(sorted(expected))),
        ),
        'disconnected',
      ).toBe('---d', { d: like({ by: 'client' }) });
    });
  });

  it('chooses the server by what the client says of itself', () => {
    marbles(({ connection, expectSent, expectOutcomes }) => {
      const slow = setupConnection('mining', { vendor: 'slow' });
      const [fastServer, slowServer] = [connection('w', { w }), connection('w', { w })];
      const outcome$ = relay({
        listen: clients(connection('s', { s }), connection('-s', { s: slow })),
        connect: ({ setup }) => testConnector([setup.vendor === 'slow' ? slowServer : fastServer]),
      });
      expectOutcomes(outcome$, 'disconnected').toBe('');
      expectSent(fastServer).toBe('s', { s });
      expectSent(slowServer).toBe('-s', { s: slow });
    });
  });

  it('tells of the servers of each pair', () => {
    marbles(({ connection, expectOutcomes }) => {
      const endpoint = { host: 'pool.example', port: 34254 };
      const seen: unknown[] = [];
      const outcome$ = relay({
        listen: clients(connection('s', { s })),
        connect: testConnector([connection('w', { w }, { peer: { address: 'pool:1' } })], { endpoint }),
        toServer: (message$, { client, server }) =>
          message$.pipe(tap(() => seen.push([client.clientId, server]))),
      });
      const server = { peer: { address: 'pool:1', encrypted: false }, endpoint };
      expectOutcomes(outcome$.pipe(tap(() => expect(seen).toEqual([[1, server]])))).toBe('c', {
        c: like({ type: 'connected', clientId: 1, server }),
      });
    });
  });
});

describe('a pair ends', () => {
  it('when its client closes: what an operator still has to say is delivered first', () => {
    marbles(({ connection, expectSent, expectOutcomes }) => {
      const client = connection('s-a|', { s, a: share(1) });
      const other = connection('s', { s });
      const server = connection('w', { w });
      const outcome$ = relay({
        listen: clients(client, other),
        connect: testConnector([server, connection('w', { w })]),
        toServer: (message$) => message$.pipe(delay(5)),
      });
      expectSent(server).toBe('5ms s-(a|)', { s, a: share(1) });
      expectOutcomes(outcome$, 'disconnected').toBe('7ms d', {
        d: like({ type: 'disconnected', clientId: 1, by: 'client', reason: { code: 'peer-closed' } }),
      });
    });
  });

  it('when its server closes: what an operator still has to say is delivered first', () => {
    marbles(({ connection, expectSent, expectOutcomes }) => {
      const client = connection('s', { s });
      const server = connection('w-x|', { w, x: job(1) });
      const outcome$ = relay({
        listen: clients(client),
        connect: testConnector([server]),
        toClient: (message$) => message$.pipe(delay(5)),
      });
      expectSent(client).toBe('5ms w-(x|)', { w, x: job(1) });
      expectOutcomes(outcome$, 'disconnected').toBe('7ms d', {
        d: like({ type: 'disconnected', by: 'server', reason: { code: 'peer-closed' } }),
      });
    });
  });

  it('after two seconds, whatever operators go on with', () => {
    marbles(({ connection, expectSent, expectOutcomes }) => {
      const server = connection('w', { w });
      const outcome$ = relay({
        listen: clients(connection('s-|', { s })),
        connect: testConnector([server]),
        toServer: (message$) => merge(message$, NEVER),
      });
      expectOutcomes(outcome$, 'disconnected').toBe('2002ms d', { d: like({ by: 'client' }) });
      expectSent(server).toBe('s 2001ms |', { s });
    });
  });

  it('at once if operators wait for the other end only', () => {
    marbles(({ connection, expectOutcomes }) => {
      const outcome$ = relay({
        listen: clients(connection('s-|', { s })),
        connect: testConnector([connection('w', { w })]),
        toServer: (message$, { toClient$, fromServer$ }) =>
          merge(message$, merge(toClient$, fromServer$).pipe(mergeMap(() => EMPTY))),
      });
      expectOutcomes(outcome$, 'disconnected').toBe('--d', { d: like({ by: 'client' }) });
    });
  });

  it('when a connection breaks, and others go on', () => {
    marbles(({ connection, expectSent, expectOutcomes }) => {
      const error = new TransportError('connection-reset', 'dropped');
      const broken = connection('s--#', { s }, { error });
      const other = connection('s------b', { s, b: share(2) });
      const [one, two] = [connection('w', { w }), connection('w----#', { w }, { error })];
      const outcome$ = relay({ listen: clients(broken, other), connect: testConnector([one, two]) });
      expectOutcomes(outcome$, 'disconnected').toBe('---a-b', {
        a: like({ clientId: 1, by: 'client', reason: { code: 'connection-reset', error } }),
        b: like({ clientId: 2, by: 'server', reason: { code: 'connection-reset', error } }),
      });
      expectSent(one).toBe('s--|', { s });
      expectSent(other).toBe('w----|', { w });
    });
  });

  it.each<[string, ToServer]>([
    ['fails', (message$) => message$.pipe(tap((message) => failFor(message)))],
    [
      'emits what cannot be encoded',
      (message$) => message$.pipe(map((m) => (m.type === 'SetupConnection' ? m : share(-1)))),
    ],
  ])('when an operator %s, which is named', (_, toServer) => {
    marbles(({ connection, expectSent, expectOutcomes }) => {
      const client = connection('s-a', { s, a: share(1) });
      const outcome$ = relay({
        listen: clients(client, connection('s', { s })),
        connect: testConnector([connection('w', { w }), connection('w', { w })]),
        toServer,
      });
      expectOutcomes(outcome$, 'disconnected').toBe('--d', {
        d: like({
          clientId: 1,
          by: 'relay',
          reason: like({ code: 'handler-failed', message: messageLike(/^toServer failed: /) }),
        }),
      });
      expectSent(client).toBe('w-|', { w });
    });
  });

  it('when an operator returns nothing, or completes by itself', () => {
    marbles(({ connection, expectOutcomes }) => {
      const forgetful = relay({
        listen: clients(connection('s', { s })),
        connect: testConnector([connection('w', { w })]),
        toClient: (() => undefined) as unknown as ToClient,
      });
      expectOutcomes(forgetful).toBe('d', {
        d: like({
          by: 'relay',
          reason: like({
            message: 'toClient returned undefined, expected an Observable; is a return missing?',
          }),
        }),
      });
      const brief = relay({
        listen: clients(connection('s-a', { s, a: share(1) })),
        connect: testConnector([connection('w', { w })]),
        toServer: (message$) => message$.pipe(take(2)),
      });
      expectOutcomes(brief, 'disconnected').toBe('--d', {
        d: like({ by: 'relay', reason: like({ code: 'handler-failed', message: 'toServer completed' }) }),
      });
    });
  });

  it('when neither end says anything for too long', () => {
    marbles(({ connection, expectOutcomes }) => {
      const outcome$ = relay({
        listen: clients(connection('s 50ms a', { s, a: share(1) })),
        connect: testConnector([connection('w 90ms x', { w, x: job(1) })]),
        inactivityLimit: 80,
      });
      expectOutcomes(outcome$, 'disconnected').toBe('176ms d', {
        d: like({ by: 'relay', reason: like({ code: 'inactive' }) }),
      });
    });
  });

  it('with the relay', () => {
    marbles(({ connection, expectSent, expectObservable }) => {
      const [client, server] = [connection('s', { s }), connection('w', { w })];
      const outcome$ = relay({ listen: clients(client), connect: testConnector([server]) });
      expectObservable(outcome$.pipe(map(({ type }) => type)), '^--!').toBe('c', { c: 'connected' });
      expectSent(client).toBe('w--|', { w });
      expectSent(server).toBe('s--|', { s });
    });
  });
});

describe('a setup', () => {
  it('that the server refuses is told to the client', () => {
    marbles(({ connection, expectSent, expectOutcomes }) => {
      const e = SetupConnectionError({ flags: 4, errorCode: 'unsupported-feature-flags' });
      const client = connection('s', { s });
      const outcome$ = relay({
        listen: clients(client),
        connect: testConnector([connection('-(e|)', { e })]),
      });
      expectSent(client).toBe('-(e|)', { e });
      expectOutcomes(outcome$).toBe('-(rd)', {
        r: { type: 'setupRefused', clientId: 1, flags: 4, errorCode: 'unsupported-feature-flags' },
        d: like({ type: 'disconnected', by: 'server', reason: like({ code: 'setup-refused' }) }),
      });
    });
  });

  it('for which there is no server is refused by who chooses one', () => {
    marbles(({ connection, expectSent, expectOutcomes }) => {
      const client = connection('s', { s });
      const outcome$ = relay({
        listen: clients(client),
        connect: () => throwError(() => new SetupRefusedError('unsupported-protocol', 0)),
      });
      expectSent(client).toBe('(e|)', {
        e: SetupConnectionError({ flags: 0, errorCode: 'unsupported-protocol' }),
      });
      expectOutcomes(outcome$).toBe('(rd)', {
        r: like({ type: 'setupRefused', errorCode: 'unsupported-protocol' }),
        d: like({ type: 'disconnected', by: 'server', reason: like({ code: 'setup-connection-error' }) }),
      });
    });
  });

  it('whose server cannot be reached, or cannot be chosen, ends the pair', () => {
    marbles(({ connection, expectSent, expectOutcomes }) => {
      const unreachable = connection('s', { s });
      expectOutcomes(relay({ listen: clients(unreachable), connect: testConnector([]) })).toBe('d', {
        d: like({ type: 'disconnected', by: 'server', reason: like({ code: 'connection-refused' }) }),
      });
      expectSent(unreachable).toBe('|');
      const outcome$ = relay({ listen: clients(connection('s', { s })), connect: () => undefined as never });
      expectOutcomes(outcome$).toBe('d', {
        d: like({
          by: 'relay',
          reason: like({
            message: 'relay: connect returned undefined, expected what dials a server, such as connect(url)',
          }),
        }),
      });
    });
  });

  it('has to come, to be the first message, and to be answered in time', () => {
    marbles(({ connection, expectOutcomes }) => {
      const options = { connect: testConnector([connection('20ms w', { w })]), setupTimeout: 15 };
      expectOutcomes(relay({ ...options, listen: clients(connection('')) })).toBe('15ms d', {
        d: like({ by: 'client', reason: like({ code: 'setup-timeout' }) }),
      });
      expectOutcomes(relay({ ...options, listen: clients(connection('a', { a: share(1) })) })).toBe('d', {
        d: like({ by: 'client', reason: like({ code: 'setup-connection-required' }) }),
      });
      expectOutcomes(relay({ ...options, listen: clients(connection('10ms s', { s })) })).toBe('25ms d', {
        d: like({ by: 'server', reason: like({ code: 'setup-timeout' }) }),
      });
      const rude = testConnector([connection('x', { x: job(1) })]);
      expectOutcomes(relay({ listen: clients(connection('s', { s })), connect: rude })).toBe('d', {
        d: like({ by: 'server', reason: like({ code: 'setup-connection-required' }) }),
      });
    });
  });

  it('keeps what a client says too early, but not much of it; one that goes is not waited for', () => {
    marbles(({ connection, expectSent, expectOutcomes }) => {
      const server = connection('w', { w });
      const slowly = of(server).pipe(delay(5));
      expectOutcomes(
        relay({ listen: clients(connection('(sab)', { s, a: share(1), b: share(2) })), connect: slowly }),
        'disconnected',
      ).toBe('');
      expectSent(server).toBe('5ms (sab)', { s, a: share(1), b: share(2) });

      const flood = `(s${'a'.repeat(16)})`;
      expectOutcomes(relay({ listen: clients(connection(flood, { s, a: share(1) })), connect: NEVER })).toBe(
        'd',
        {
          d: like({ by: 'client', reason: like({ code: 'setup-connection-required' }) }),
        },
      );
      expectOutcomes(relay({ listen: clients(connection('s-|', { s })), connect: NEVER })).toBe('--d', {
        d: like({ by: 'client', reason: like({ code: 'peer-closed' }) }),
      });
    });
  });

  it('limits payloads to what the subprotocol has, or an extension needs that only the ends know', () => {
    marbles(({ connection, expectOutcomes }) => {
      const negotiated = (extension: number) =>
        RequestExtensionsSuccess({ requestId: 1, supportedExtensions: [extension] });
      const client = connection('s', { s });
      const server = connection('w-x', { w, x: negotiated(0x0002) });
      const strange = connection('s', { s });
      const limits = [maxPayloadSize('mining', 'client'), maxPayloadSize('mining', 'server')];
      const outcome$ = relay({
        listen: clients(client, strange),
        connect: testConnector([server, connection('w-x', { w, x: negotiated(0x4001) })]),
      });
      expectOutcomes(
        merge(
          outcome$,
          of(0).pipe(
            delay(1),
            map(() => ({ type: `${client.payloadLimit} ${server.payloadLimit} ${strange.payloadLimit}` })),
          ),
          of(0).pipe(
            delay(3),
            map(() => ({ type: `${strange.payloadLimit}` })),
          ),
        ).pipe(
          filter(({ type }) => /\d/.test(type)),
          map(({ type }) => ({ type })),
        ),
      ).toBe('-a-b', { a: { type: `${limits[0]} ${limits[1]} ${limits[0]}` }, b: { type: '16777215' } });
    });
  });
});

describe('a Reconnect of the server', () => {
  const r = Reconnect({ newHost: '', newPort: 34255 });
  const endpoint = { host: 'pool.example', port: 34254 };
  const back = Reconnect({ newHost: '', newPort: 0 });

  it('asks the client to come back, and takes it to the other server then, once', () => {
    marbles(({ connection, expectSent, expectOutcomes }) => {
      const first = connection('s', { s }, { peer: { address: '10.0.0.1:1' } });
      const [other, again, third] = ['10.0.0.2:1', '10.0.0.1:2', '10.0.0.1:3'].map((address, index) =>
        connection(`${10 * (index + 1)}ms s`, { s }, { peer: { address } }),
      );
      const old = connection('w-r', { w, r });
      const moved = testConnector([connection('w', { w })], { endpoint: { ...endpoint, port: 34255 } });
      const connect = testConnector([old, connection('w', { w }), connection('w', { w })], {
        endpoint,
        redirect: () => moved,
      });
      const outcome$ = relay({ listen: clients(first, other!, again!, third!), connect });
      const to = (clientId: number, port: number) =>
        like({ type: 'connected', clientId, server: like({ endpoint: { ...endpoint, port } }) });
      expectOutcomes(outcome$).toBe('a-(rd) 4ms b 9ms c 9ms e', {
        a: to(1, 34254),
        r: { type: 'redirected', clientId: 1, endpoint: { ...endpoint, port: 34255 } },
        d: like({ type: 'disconnected', clientId: 1, by: 'server', reason: like({ code: 'redirected' }) }),
        b: to(2, 34254),
        c: to(3, 34255),
        e: to(4, 34254),
      });
      expectSent(first).toBe('w-(b|)', { w, b: back });
      expectSent(old).toBe('s-|', { s });
    });
  });

  it('is forgotten after a minute, and if the other server cannot be reached', () => {
    marbles(({ connection, expectOutcomes }) => {
      const peer = { address: '10.0.0.1:1' };
      const connect = testConnector(
        [connection('wr', { w, r }), connection('wr', { w, r }), connection('w', { w })],
        { endpoint, redirect: () => testConnector([]) },
      );
      const outcome$ = relay({
        listen: clients(
          connection('s', { s }, { peer }),
          connection('10ms s', { s }, { peer }),
          connection('61s s', { s }, { peer }),
        ),
        connect,
        setupTimeout: 100_000,
      });
      expectOutcomes(outcome$, 'connected').toBe('a 9ms b 60989ms c', {
        a: like({ clientId: 1 }),
        b: like({ clientId: 2, server: like({ endpoint }) }),
        c: like({ clientId: 3, server: like({ endpoint }) }),
      });
    });
  });

  it('that could come from anybody is not followed', () => {
    marbles(({ connection, expectSent, expectOutcomes }) => {
      const client = connection('s', { s });
      const away = Reconnect({ newHost: 'evil.example', newPort: 1 });
      const outcome$ = relay({
        listen: clients(client),
        connect: testConnector([connection('w-r-x', { w, r: away, x: job(1) })], {
          endpoint,
          redirect: () => testConnector([]),
        }),
      });
      expectOutcomes(outcome$, 'redirected', 'redirectRefused', 'disconnected').toBe('--r', {
        r: like({ type: 'redirectRefused', clientId: 1, endpoint: { host: 'evil.example', port: 1 } }),
      });
      expectSent(client).toBe('w---x', { w, x: job(1) });
    });
  });
});

function failFor(message: Message): void {
  if (message.type !== 'SetupConnection') throw new Error('no such thing');
}

/** Matches a text. */
const messageLike = (pattern: RegExp) => ({
  asymmetricMatch: (actual: unknown) => typeof actual === 'string' && pattern.test(actual),
});
