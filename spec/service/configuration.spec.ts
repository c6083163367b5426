import { describe, expect, it } from '@jest/globals';
import { NEVER } from 'rxjs';
import {
  createClient,
  createServer,
  nullJobDeclarationClientHandler,
  nullJobDeclarationServerHandler,
  nullMiningClientHandler,
  nullMiningServerHandler,
  nullTemplateDistributionClientHandler,
  nullTemplateDistributionServerHandler,
  ServiceError,
  type ClientOptions,
} from '../../src/service/index.js';
import { testConnector } from '../../src/testing/index.js';

const handler = () => NEVER;
const connect = testConnector([]);

/** The code and message of what a function throws. */
function thrownBy(action: () => unknown): { readonly code: string; readonly message: string } {
  try {
    action();
  } catch (error) {
    if (error instanceof ServiceError) return { code: error.code, message: error.message };
    throw error;
  }
  throw new Error('expected a ServiceError');
}

const invalid = (message: RegExp) => ({
  code: 'invalid-configuration',
  message: expect.stringMatching(message) as unknown as string,
});

describe('a server', () => {
  const serverErrors: readonly (readonly [string, object, RegExp])[] = [
    ['no handler at all', {}, /^server: expected a handler/],
    ['only null handlers', { mining: nullMiningServerHandler }, /^server: expected a handler/],
    [
      'a null handler for mining that is configured',
      { mining: { handler: nullMiningServerHandler } },
      /^server: mining is configured but has a null handler/,
    ],
    [
      'a null handler for job declaration that is configured',
      { jobDeclaration: { handler: nullJobDeclarationServerHandler } },
      /^server: jobDeclaration is configured but has a null handler/,
    ],
    [
      'a null handler for template distribution that is configured',
      { templateDistribution: { handler: nullTemplateDistributionServerHandler, supportedFlags: 0 } },
      /^server: templateDistribution is configured but has a null handler/,
    ],
    ['a configuration without a handler', { mining: {} }, /^server: mining is configured but has no handler/],
    [
      'a handler that is no function',
      { mining: { handler: 7 } },
      /^server: mining has a handler that is not a function/,
    ],
    [
      'flags that are none',
      { mining: { handler, supportedFlags: -1 } },
      /^mining.supportedFlags: expected flags/,
    ],
    ['success flags that are none', { mining: { handler, successFlags: 2 ** 32 } }, /^mining.successFlags/],
    ['a setupTimeout of 0', { mining: handler, setupTimeout: 0 }, /^setupTimeout: expected milliseconds/],
    [
      'an inactivityLimit that timers cannot wait for',
      { mining: handler, inactivityLimit: 2 ** 31 },
      /^inactivityLimit/,
    ],
    ['versions the wrong way round', { mining: handler, versions: { min: 3, max: 2 } }, /^versions.max/],
    [
      'an extension that is no number',
      { mining: handler, extensions: { supported: [0x8000] } },
      /^extensions.supported/,
    ],
    [
      'a required extension that is not supported',
      { mining: handler, extensions: { supported: [2], required: [3] } },
      /^extensions.required: expected only extensions that are also supported, got 3/,
    ],
  ];

  it.each(serverErrors)('with %s is refused', (_, options, message) => {
    expect(thrownBy(() => createServer({ listen: NEVER, ...options }))).toEqual(invalid(message));
  });

  it('may have null handlers beside one that is none', () => {
    expect(() =>
      createServer({
        listen: NEVER,
        mining: handler,
        jobDeclaration: nullJobDeclarationServerHandler,
        templateDistribution: nullTemplateDistributionServerHandler,
      }),
    ).not.toThrow();
  });
});

describe('a client', () => {
  const clientErrors: readonly (readonly [string, object, RegExp])[] = [
    ['no handler at all', {}, /^client: expected a connection and a handler/],
    [
      'only null handlers',
      { mining: nullMiningClientHandler, jobDeclaration: nullJobDeclarationClientHandler },
      /^client: expected a connection and a handler/,
    ],
    [
      'a handler without a connection',
      { mining: handler },
      /^client: mining has a handler but is not configured/,
    ],
    [
      'a null handler with a connection',
      { templateDistribution: { connect, handler: nullTemplateDistributionClientHandler } },
      /^client: templateDistribution is configured but has a null handler/,
    ],
    [
      'a connection without a handler',
      { jobDeclaration: { connect } },
      /^client: jobDeclaration is configured but has no handler/,
    ],
    ['flags that are none', { mining: { connect, handler, flags: 0.5 } }, /^mining.flags: expected flags/],
    [
      'a vendor that does not fit',
      { mining: { connect, handler }, device: { vendor: 'x'.repeat(256) } },
      /^client: mining: .*vendor/i,
    ],
    [
      'an endpoint that does not fit',
      { mining: { connect: testConnector([], { endpoint: { host: 'pool', port: 70_000 } }), handler } },
      /^client: mining: .*endpoint/i,
    ],
    [
      'delays that are none',
      { mining: { connect, handler }, reconnect: { initialDelay: -1 } },
      /^reconnect.initialDelay/,
    ],
    [
      'a cap that is none',
      { mining: { connect, handler }, reconnect: { maxDelay: NaN } },
      /^reconnect.maxDelay/,
    ],
    [
      'attempts that are none',
      { mining: { connect, handler }, reconnect: { maxAttempts: -1 } },
      /^reconnect.maxAttempts/,
    ],
    [
      'an extension timeout of 0',
      { mining: { connect, handler }, extensions: { supported: [2], timeout: 0 } },
      /^extensions.timeout/,
    ],
    ['an inactivityLimit of 0', { mining: { connect, handler }, inactivityLimit: 0 }, /^inactivityLimit/],
  ];

  it.each(clientErrors)('with %s is refused', (_, options, message) => {
    expect(thrownBy(() => createClient(options as ClientOptions))).toEqual(invalid(message));
  });

  it('may have null handlers beside one that is none', () => {
    expect(() =>
      createClient({ mining: { connect, handler }, jobDeclaration: nullJobDeclarationClientHandler }),
    ).not.toThrow();
  });
});

describe('null handlers', () => {
  it('do nothing', () => {
    const seen: unknown[] = [];
    for (const nothing of [
      nullMiningServerHandler,
      nullJobDeclarationServerHandler,
      nullTemplateDistributionServerHandler,
    ]) {
      nothing(NEVER)
        .subscribe((value) => seen.push(value))
        .unsubscribe();
    }
    expect(seen).toEqual([]);
  });
});
