import { describe, expect, it } from '@jest/globals';
import { firstValueFrom, NEVER, of } from 'rxjs';
import { createClient, createServer, handleEach, send, type ServerOptions } from '../../src/service/index.js';
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
});
