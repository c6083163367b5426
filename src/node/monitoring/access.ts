/** Who may read: a bearer token, names of this machine, and pages of other origins that are allowed. */
import { bearerAuth } from 'hono/bearer-auth';
import { cors } from 'hono/cors';
import { createMiddleware } from 'hono/factory';
import type { MiddlewareHandler } from 'hono';

/** Who may read. Nobody can write: there is nothing but GET. */
export interface Access {
  /** What has to be in `Authorization: Bearer …`; without, nothing has to. */
  readonly token?: string;
  /** Origins whose pages may read: `https://dashboard.example`. */
  readonly corsOrigins: readonly string[];
  /** Whether only names of this machine may be in the address that was asked for. */
  readonly onlyLoopback: boolean;
}

/** What a browser on this machine writes for it. */
const loopbackNames = /^(localhost|127(\.\d{1,3}){3}|\[::1\])(:\d{1,5})?$/i;

/**
 * Refuses requests for other names than this machine's: a page on the web could have its own name lead here ("DNS
 * rebinding"), and read everything. With a token it could not.
 */
const loopbackOnly: MiddlewareHandler = createMiddleware(async (context, next) => {
  const host = context.req.header('host') ?? '';
  if (!loopbackNames.test(host))
    return context.json(
      { error: 'only names of this machine are answered to: localhost, 127.0.0.1, [::1]' },
      421,
    );
  return next();
});

/** What every request goes through. */
export const gates = ({ token, corsOrigins, onlyLoopback }: Access): readonly MiddlewareHandler[] => [
  ...(onlyLoopback && token === undefined ? [loopbackOnly] : []),
  ...(corsOrigins.length === 0
    ? []
    : [
        cors({
          origin: [...corsOrigins],
          allowMethods: ['GET', 'HEAD'],
          allowHeaders: ['Authorization', 'Last-Event-ID'],
          maxAge: 600,
        }),
      ]),
];

/** What requests for data go through, too. */
export const dataGates = ({ token }: Access): readonly MiddlewareHandler[] =>
  token === undefined
    ? []
    : [
        bearerAuth({
          token,
          realm: 'rx-sv2',
          noAuthenticationHeader: { message: { error: 'a token is needed: Authorization: Bearer …' } },
          invalidAuthenticationHeader: { message: { error: 'expected Authorization: Bearer …' } },
          invalidToken: { message: { error: 'that is not the token' } },
        }),
      ];
