/** The API as a function from requests to answers: which routes there are, who may read them, and what goes wrong. */
import { Hono, type Context } from 'hono';
import { secureHeaders } from 'hono/secure-headers';
import type { ContentfulStatusCode } from 'hono/utils/http-status';
import type * as z from 'zod';
import { dataGates, gates, type Access } from './access.js';
import type { Answer, Route } from './route.js';

/** What the API is made of. */
export interface AppOptions<Source> {
  readonly routes: readonly Route<Source>[];
  readonly source: Source;
  readonly access: Access;
  /** Told of each answer to a path that there is. */
  readonly answered: (path: string, status: number) => void;
  /** Told what went wrong inside; whoever asked is not. */
  readonly failed: (error: unknown) => void;
  /** Paths that are streams, or pages; those that `isPublic` need no token. */
  readonly others: readonly {
    readonly path: string;
    readonly isPublic: boolean;
    readonly answer: (context: Context) => Response | Promise<Response>;
  }[];
}

/** Pages may load what is served here, and nothing else. */
const contentSecurityPolicy = {
  defaultSrc: ["'none'"],
  scriptSrc: ["'self'"],
  styleSrc: ["'self'"],
  imgSrc: ["'self'", 'data:'],
  connectSrc: ["'self'"],
  manifestSrc: ["'self'"],
  baseUri: ["'none'"],
  formAction: ["'none'"],
  frameAncestors: ["'none'"],
};

const problemsOf = (error: z.ZodError): string =>
  error.issues.map(({ path, message }) => `${path.map(String).join('.')}: ${message}`).join('; ');

/** An answer as a response. */
function respond(context: Context, answer: Answer): Response {
  const status = answer.status as ContentfulStatusCode;
  context.header('Cache-Control', 'no-store');
  return 'text' in answer
    ? context.body(answer.text, status, { 'Content-Type': answer.contentType })
    : context.json(answer.body, status);
}

/**
 * The API. Every answer has headers that keep browsers from using it otherwise than meant; what is not there is 404, and
 * all but GET and HEAD 405.
 */
export function monitoringApp<Source>(options: AppOptions<Source>): Hono {
  const { routes, source, access, answered, failed, others } = options;
  const app = new Hono();
  app.use(
    secureHeaders({
      contentSecurityPolicy,
      xFrameOptions: 'DENY',
      referrerPolicy: 'no-referrer',
      strictTransportSecurity: false,
      crossOriginResourcePolicy: access.corsOrigins.length > 0 ? 'cross-origin' : 'same-origin',
    }),
    ...gates(access),
  );
  const guard = dataGates(access);
  const add = (
    path: string,
    isPublic: boolean,
    handler: (context: Context) => Response | Promise<Response>,
  ) => {
    const pattern = path.replace(/\{(\w+)\}/g, ':$1');
    if (!isPublic) for (const gate of guard) app.get(pattern, gate);
    app.get(pattern, async (context) => {
      const response = await handler(context);
      answered(path, response.status);
      return response;
    });
    app.all(pattern, (context) =>
      context.json({ error: 'there is nothing but GET here' }, 405, { Allow: 'GET, HEAD' }),
    );
  };

  for (const { path, params, query, answer, isPublic = false } of routes)
    add(path, isPublic, async (context) => {
      const inPath = params.safeParse(context.req.param());
      const inQuery = query.safeParse(context.req.query());
      if (!inPath.success || !inQuery.success) {
        const problems = [inPath, inQuery].flatMap(({ error }) =>
          error === undefined ? [] : [problemsOf(error)],
        );
        return context.json({ error: problems.join('; ') }, 400);
      }
      return respond(context, await answer({ params: inPath.data, query: inQuery.data }, source));
    });
  for (const { path, isPublic, answer } of others) add(path, isPublic, answer);
  app.notFound((context) =>
    context.json({ error: 'there is nothing at this path; / lists what there is' }, 404),
  );
  app.onError((error, context) => {
    if ('getResponse' in error) return error.getResponse();
    failed(error);
    return context.json({ error: 'something went wrong here; the log says what' }, 500);
  });
  return app;
}
