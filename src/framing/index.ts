export * from './header.js';
export * from './frame.js';
export * from './frame-assembler.js';
export * from './json.js';
export { JsonFormError, type JsonFormErrorCode } from './json-form.js';
export type { JsonValue } from './json-values.js';
