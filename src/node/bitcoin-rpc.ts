import { readFile } from 'node:fs/promises';
import { request, type IncomingMessage } from 'node:http';
import {
  asyncScheduler,
  catchError,
  defer,
  map,
  Observable,
  of,
  switchMap,
  throwError,
  timeout,
  type SchedulerLike,
} from 'rxjs';
import { BitcoinRpcError, connectionLost, httpError, requestError, rpcError } from './bitcoin-rpc-errors.js';
import { formatAddress } from './tcp-stream.js';

/** Where a Bitcoin node's RPC is, and what it lets us in for. */
export interface BitcoinRpcOptions {
  /** `http://[user:password@]host:port[/path]`; user and password percent-encoded where they need it. */
  readonly url: string;
  /**
   * The node's cookie file (Bitcoin Core: `.cookie`), read anew for every call, and once more for one that is refused: a node that
   * is started again has another. Goes before user and password.
   */
  readonly cookieFile?: string;
  /** The clock for timeouts; `asyncScheduler` unless given. */
  readonly scheduler?: SchedulerLike;
}

/** How a call is made. */
export interface CallOptions {
  /** Milliseconds the answer may take; 30,000 unless given. */
  readonly timeout?: number;
  /** Another path or URL on the same node (BIP 22, `longpolluri`). */
  readonly uri?: string;
}

/** A Bitcoin node's RPC. */
export interface BitcoinRpc {
  /** `host:port`. */
  readonly address: string;
  /**
   * Calls a method on subscription: emits its result and completes. Unsubscribing gives up. Errors with a
   * BitcoinRpcError.
   */
  call(method: string, params: readonly unknown[], options?: CallOptions): Observable<unknown>;
}

/** The default of a call's `timeout`, in milliseconds. */
const defaultRpcTimeout = 30_000;

/** Twice what the largest block takes as hex, and as much again. */
const maxAnswerSize = 64 * 2 ** 20;

/** A silent connection is probed after so many milliseconds: long polls are silent for long. */
const keepAliveDelay = 30_000;

interface Target {
  readonly host: string;
  readonly port: number;
  readonly path: string;
}

/**
 * JSON-RPC over HTTP as Bitcoin Core and btcd speak it. Each call has a connection of its own: nodes close idle ones
 * at the worst moment, and a long poll would block the others.
 * @throws BitcoinRpcError `invalid-option` for a URL that is none, has no port, or asks for TLS
 */
export function bitcoinRpc({ url, cookieFile, scheduler = asyncScheduler }: BitcoinRpcOptions): BitcoinRpc {
  const parsed = parseUrl(url);
  const { target, address } = parsed;
  let lastId = 0;

  /** The credentials, as the HTTP header has them; undefined for none. */
  const authorization$ = defer(() =>
    cookieFile === undefined
      ? of(parsed.credentials)
      : readFile(cookieFile, 'utf8').catch((error: NodeJS.ErrnoException) => {
          throw new BitcoinRpcError(
            'cookie-unreadable',
            `the cookie file ${cookieFile} cannot be read (${error.code ?? 'unknown'}): check the path, and that the Bitcoin node runs`,
            { cookieFile, systemCode: error.code },
          );
        }),
  ).pipe(
    map((credentials) =>
      credentials === undefined ? undefined : `Basic ${Buffer.from(credentials.trim()).toString('base64')}`,
    ),
  );

  /** What a request is answered; with a cookie that is another by now it is made once more: the node was started again meanwhile. */
  function answered(place: Target, body: string, authorization: string | undefined): Observable<Answer> {
    return post(place, body, authorization, address).pipe(
      switchMap((answer) => {
        if (answer.status !== 401 || cookieFile === undefined) return of(answer);
        return authorization$.pipe(
          switchMap((present) =>
            present === authorization ? of(answer) : post(place, body, present, address),
          ),
        );
      }),
    );
  }

  return {
    address,
    call(method, params, { timeout: limit = defaultRpcTimeout, uri } = {}) {
      return authorization$.pipe(
        switchMap((authorization) => {
          const id = ++lastId;
          const body = JSON.stringify({ jsonrpc: '1.0', id, method, params });
          return answered({ ...target, path: pathOf(uri, target) }, body, authorization).pipe(
            map((answer) => resultOf(answer, id, method, address)),
          );
        }),
        timeout({
          first: limit,
          scheduler,
          with: () =>
            throwError(
              () =>
                new BitcoinRpcError(
                  'node-timeout',
                  `the Bitcoin node at ${address} did not answer ${method} within ${limit} ms`,
                  { address, method, milliseconds: limit },
                ),
            ),
        }),
        catchError((error: unknown) =>
          throwError(() =>
            error instanceof BitcoinRpcError ? error : requestError(error as NodeJS.ErrnoException, address),
          ),
        ),
      );
    },
  } satisfies BitcoinRpc;
}

interface Answer {
  readonly status: number;
  readonly body: string;
}

function post(
  target: Target,
  body: string,
  authorization: string | undefined,
  address: string,
): Observable<Answer> {
  return new Observable((subscriber) => {
    const sent = request({
      ...target,
      method: 'POST',
      agent: false,
      headers: {
        'content-type': 'application/json',
        'content-length': Buffer.byteLength(body),
        connection: 'close',
        ...(authorization === undefined ? {} : { authorization }),
      },
    });
    sent.on('socket', (socket) => socket.setKeepAlive(true, keepAliveDelay));
    sent.on('error', (error) => subscriber.error(error));
    sent.on('response', (response: IncomingMessage) => {
      const chunks: Buffer[] = [];
      let size = 0;
      response.on('data', (chunk: Buffer) => {
        size += chunk.length;
        if (size > maxAnswerSize) {
          subscriber.error(invalidAnswer(address, `has more than ${maxAnswerSize} bytes`));
          sent.destroy();
          return;
        }
        chunks.push(chunk);
      });
      response.on('end', () => {
        subscriber.next({ status: response.statusCode ?? 0, body: Buffer.concat(chunks).toString('utf8') });
        subscriber.complete();
      });
      response.on('error', () => subscriber.error(connectionLost(address)));
    });
    sent.end(body);
    return () => sent.destroy();
  });
}

function resultOf({ status, body }: Answer, id: number, method: string, address: string): unknown {
  let answer: unknown;
  try {
    answer = JSON.parse(body);
  } catch {
    throw status === 200 ? invalidAnswer(address, 'is not JSON') : httpError(status, body, address);
  }
  if (typeof answer !== 'object' || answer === null) {
    throw status === 200 ? invalidAnswer(address, 'is not an object') : httpError(status, body, address);
  }
  const { id: answeredId, result, error } = answer as Record<string, unknown>;
  if (error !== null && error !== undefined) {
    const { code, message } = error as { code?: unknown; message?: unknown };
    if (typeof code !== 'number') throw httpError(status, body, address);
    throw rpcError(method, code, typeof message === 'string' ? message : '', address);
  }
  if (status !== 200) throw httpError(status, body, address);
  if (answeredId !== id) throw invalidAnswer(address, 'belongs to another request');
  if (result === undefined) throw invalidAnswer(address, 'has no result');
  return result;
}

/** What a node answered makes no sense. */
export const invalidAnswer = (address: string, why: string): BitcoinRpcError =>
  new BitcoinRpcError('invalid-answer', `the answer of the Bitcoin node at ${address} ${why}`, { address });

/** Errors here must not quote the URL: it may hold a password. */
function parseUrl(url: string): { target: Target; address: string; credentials: string | undefined } {
  const wrong = (why: string) =>
    new BitcoinRpcError(
      'invalid-option',
      `expected a URL such as http://user:password@127.0.0.1:8332: ${why}`,
      {
        option: 'url',
      },
    );
  if (!URL.canParse(url)) throw wrong('this is none');
  const { protocol, hostname, port, pathname, username, password } = new URL(url);
  if (protocol === 'https:') throw wrong('TLS is not supported; btcd does without it with --notls');
  if (protocol !== 'http:') throw wrong('it must begin with http://');
  // the URL parser drops the default port, 80, which no node uses
  if (port === '' || port === '0') throw wrong('the port is missing');
  const host = hostname.replace(/^\[|\]$/g, '');
  let credentials: string | undefined;
  try {
    if (username !== '' || password !== '') {
      credentials = `${decodeURIComponent(username)}:${decodeURIComponent(password)}`;
    }
  } catch {
    throw wrong('user or password has a % that is not followed by two hex digits');
  }
  return {
    target: { host, port: Number(port), path: pathname },
    address: formatAddress(host, Number(port)),
    credentials,
  };
}

/** Follows a `longpolluri` as far as it stays with this node: others need not have our password. */
function pathOf(uri: string | undefined, { host, port, path }: Target): string {
  if (uri === undefined) return path;
  const base = new URL(`http://${host.includes(':') ? `[${host}]` : host}:${port}${path}`);
  const resolved = URL.canParse(uri, base.href) ? new URL(uri, base) : base;
  return resolved.host === base.host ? resolved.pathname + resolved.search : path;
}
