/** The OpenAPI document, made from the routes and their schemas: it cannot say anything else than they do. */
import * as z from 'zod';
import { components } from './reference-schemas.js';
import type { DescribedRoute } from './route.js';

const refTo = (id: string) => `#/components/schemas/${id}`;

/** Without what only a document of its own has. */
function inner(schema: object): Record<string, unknown> {
  const { $schema: _, $id: __, additionalProperties, ...rest } = schema as Record<string, unknown>;
  // an answer may get more fields: `false` would forbid that
  return additionalProperties === false || additionalProperties === undefined
    ? rest
    : { ...rest, additionalProperties };
}

/** Parameters in a URL, by name. */
function parametersIn(where: 'path' | 'query', schema: z.ZodObject) {
  const { properties = {}, required = [] } = z.toJSONSchema(schema, { io: 'input' });
  return Object.entries(properties).map(([name, type]) => ({
    name,
    in: where,
    required: where === 'path' || required.includes(name),
    // digits in a URL are a number to whoever writes it
    schema: (type as { pattern?: string }).pattern === undefined ? type : { type: 'integer', minimum: 0 },
  }));
}

/** What an answer holds, by media type. */
function contentOf(body: z.ZodType | string) {
  if (typeof body === 'string') return { [body]: { schema: { type: 'string' } } };
  const id = components.get(body)?.id;
  const schema = id === undefined ? inner(z.toJSONSchema(body)) : { $ref: refTo(id) };
  return { 'application/json': { schema } };
}

/** Documents by their routes: none changes, and to make one takes as long as to answer hundreds of requests. */
const made = new WeakMap<readonly DescribedRoute[], Map<string, Record<string, unknown>>>();

/**
 * The document of an API, which is made once.
 * @param version of the program
 */
export function openApiDocument(routes: readonly DescribedRoute[], version: string): Record<string, unknown> {
  const ofRoutes = made.get(routes) ?? new Map<string, Record<string, unknown>>();
  made.set(routes, ofRoutes);
  const known = ofRoutes.get(version);
  if (known !== undefined) return known;
  const document = makeDocument(routes, version);
  ofRoutes.set(version, document);
  return document;
}

function makeDocument(routes: readonly DescribedRoute[], version: string): Record<string, unknown> {
  const { schemas } = z.toJSONSchema(components, { uri: refTo });
  const paths = Object.fromEntries(
    routes.map(({ path, operationId, tag, summary, params, query, responses }) => [
      path,
      {
        get: {
          tags: [tag],
          summary,
          operationId,
          parameters: [...parametersIn('path', params), ...parametersIn('query', query)],
          responses: Object.fromEntries(
            Object.entries(responses).map(([status, [description, body]]) => [
              status,
              { description, content: contentOf(body) },
            ]),
          ),
        },
      },
    ]),
  );
  return {
    openapi: '3.1.0',
    info: {
      title: 'rx-sv2 monitoring API',
      description: "The reference implementation's monitoring API, and more beside it.",
      license: { name: 'MIT', identifier: 'MIT' },
      version,
    },
    paths,
    components: {
      schemas: Object.fromEntries(Object.entries(schemas).map(([id, schema]) => [id, inner(schema)])),
      securitySchemes: { token: { type: 'http', scheme: 'bearer' } },
    },
    security: [{}, { token: [] }],
  };
}
