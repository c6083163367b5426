import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { filter, firstValueFrom, ReplaySubject, VirtualTimeScheduler, type Observable } from 'rxjs';
import { bitcoinRpc } from '../../src/node/bitcoin-rpc.js';

/** A JSON-RPC request as a node sees it. */
export interface RpcRequest {
  readonly id: number;
  readonly method: string;
  readonly params: readonly unknown[];
  readonly path: string;
  readonly authorization: string | undefined;
  /** Answers it. */
  reply(result: unknown): void;
  /** Answers it with a JSON-RPC error. */
  fail(code: number, message: string, status?: number): void;
  /** Answers it with anything. */
  respond(status: number, body: string): void;
  /** Closes the connection: before, or in the middle of an answer. */
  drop(partOfAnswer?: string): void;
  /** Emits when the client has given up. */
  readonly abandoned: Promise<unknown>;
}

/** A Bitcoin node that follows a script. */
export interface ScriptedNode {
  readonly port: number;
  readonly url: string;
  /** Every request so far and to come. */
  readonly request$: Observable<RpcRequest>;
  /** How many requests for this method there were. */
  count(method: string): number;
  /** Stops listening and drops all connections; another node may listen on its port after. */
  stop(): Promise<void>;
}

/**
 * Starts a node.
 * @param script answers requests; those it leaves alone stay open
 * @param port where it listens; any that is free unless given
 * @param threads `one` if it has `waitfornewblock` and its script decides what becomes of it; as btcd it lacks it if not
 */
export async function scriptedNode(
  script: (request: RpcRequest) => void = () => undefined,
  port = 0,
  threads: 'one' | 'many' = 'many',
): Promise<ScriptedNode> {
  const request$ = new ReplaySubject<RpcRequest>(Infinity);
  const counts = new Map<string, number>();
  const sockets = new Set<Socket>();
  const server = createServer((message, response) => {
    const body: Buffer[] = [];
    message.on('data', (chunk: Buffer) => body.push(chunk));
    message.on('end', () => {
      const request = parse(Buffer.concat(body).toString(), message, response);
      if (request.method === settle) {
        request.reply(null);
        return;
      }
      counts.set(request.method, (counts.get(request.method) ?? 0) + 1);
      if (request.method === 'waitfornewblock' && threads === 'many') {
        request.fail(-32601, 'Method not found', 404);
      } else script(request);
      request$.next(request);
    });
  });
  server.on('connection', (socket: Socket) => {
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
  });
  await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve));
  const bound = (server.address() as AddressInfo).port;
  return {
    port: bound,
    url: `http://satoshi:open%20sesame@127.0.0.1:${bound}`,
    request$: request$.asObservable(),
    count: (method) => counts.get(method) ?? 0,
    stop() {
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      sockets.forEach((socket) => socket.destroy());
      return closed;
    },
  };
}

function parse(body: string, message: IncomingMessage, response: ServerResponse): RpcRequest {
  const { id, method, params } = JSON.parse(body) as Pick<RpcRequest, 'id' | 'method' | 'params'>;
  const respond = (status: number, text: string) => response.writeHead(status).end(text);
  return {
    id,
    method,
    params,
    path: message.url ?? '',
    authorization: message.headers.authorization,
    reply: (result) => respond(200, JSON.stringify({ id, result, error: null })),
    fail: (code, text, status = 500) =>
      respond(status, JSON.stringify({ id, result: null, error: { code, message: text } })),
    respond,
    drop(partOfAnswer) {
      if (partOfAnswer === undefined) {
        message.socket.destroy();
        return;
      }
      response.writeHead(200, { 'content-length': 1_000 });
      response.write(partOfAnswer, () => message.socket.destroy());
    },
    abandoned: new Promise((resolve) => response.on('close', resolve)),
  };
}

/** Time that passes only when it is told to; the network does not know of it. */
export function manualTime() {
  const scheduler = new VirtualTimeScheduler();
  scheduler.frame = 1000 * coreTemplate().curtime; // clocks agree
  scheduler.maxFrames = scheduler.frame;
  return {
    scheduler,
    advance(milliseconds: number) {
      scheduler.maxFrames += milliseconds;
      scheduler.flush();
      scheduler.frame = scheduler.maxFrames;
    },
  };
}

/** Subscribes, remembers everything, and lets a spec wait for something. */
export function watch<T>(source$: Observable<T>) {
  const value$ = new ReplaySubject<T>(Infinity);
  const values: T[] = [];
  const subscription = source$.subscribe({
    next: (value) => {
      values.push(value);
      value$.next(value);
    },
    error: (error: unknown) => value$.error(error),
    complete: () => value$.complete(),
  });
  return {
    values,
    /** The first value, past or to come, that is wanted. */
    next: (isWanted: (value: T) => boolean = () => true) => firstValueFrom(value$.pipe(filter(isWanted))),
    stop: () => subscription.unsubscribe(),
  };
}

/** The nth request, from 0, for a method. */
export function nth(node: ScriptedNode, method: string, index = 0): Promise<RpcRequest> {
  let seen = 0;
  return firstValueFrom(
    node.request$.pipe(filter((request) => request.method === method && seen++ === index)),
  );
}

const settle = 'settle';

/** Waits until what a node sent before has reached its client, and the client has dealt with it. */
export async function settled({ url }: ScriptedNode): Promise<void> {
  for (let round = 0; round < 3; round++) await firstValueFrom(bitcoinRpc({ url }).call(settle, []));
}

/** 64 hex digits told apart by a number. */
export const id = (seed: number): string => seed.toString(16).padStart(64, '0');

/** What Bitcoin Core answers to getblocktemplate, cut down to what matters and a little beside. */
export const coreTemplate = (fields: object = {}) => ({
  capabilities: ['proposal'],
  version: 0x2000_0000,
  rules: ['csv', '!segwit', 'taproot'],
  vbavailable: {},
  vbrequired: 0,
  previousblockhash: id(1),
  transactions: [
    { data: '0102', txid: id(11), hash: id(21), depends: [], fee: 500, sigops: 4, weight: 560 },
    { data: '03', txid: id(12), hash: id(12), depends: [1], fee: 700, sigops: 0, weight: 400 },
  ],
  coinbaseaux: {},
  coinbasevalue: 5_000_001_200,
  longpollid: `${id(1)}7`,
  target: '7fffff'.padEnd(64, '0'),
  mintime: 1_700_000_000,
  mutable: ['time', 'transactions', 'prevblock'],
  noncerange: '00000000ffffffff',
  sigoplimit: 80_000,
  sizelimit: 4_000_000,
  weightlimit: 4_000_000,
  curtime: 1_700_000_100,
  bits: '207fffff',
  height: 102,
  default_witness_commitment: `6a24aa21a9ed${id(5)}`,
  ...fields,
});
