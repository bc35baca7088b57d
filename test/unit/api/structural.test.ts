import {describe, expect, test} from 'vitest';
import {z} from 'zod';
import {structuralSchema} from '../../../src/api/crd/structural.ts';
import {matches, withRules} from '../../../src/api/v1alpha1/rules.ts';

const text = z.string().max(10);

describe('structuralSchema', () => {
  test('rewrites what a resource definition cannot take', () => {
    const schema = z.object({
      inner: z.object({a: text.default('x'), b: z.int().min(0).default(3)}).prefault({}),
      amount: z.union([z.int(), z.string().max(8)]).meta({'x-kubernetes-int-or-string': true}),
      free: z.record(z.string(), z.unknown()).meta({'x-kubernetes-preserve-unknown-fields': true}),
      strict: z.strictObject({a: text}),
    });
    expect(structuralSchema(schema, 'spec')).toEqual({
      type: 'object',
      properties: {
        inner: {
          type: 'object',
          default: {a: 'x', b: 3},
          properties: {
            a: {type: 'string', maxLength: 10, default: 'x'},
            b: {type: 'integer', format: 'int64', minimum: 0, default: 3},
          },
        },
        amount: {'x-kubernetes-int-or-string': true, maxLength: 8},
        free: {type: 'object', 'x-kubernetes-preserve-unknown-fields': true},
        strict: {type: 'object', properties: {a: {type: 'string', maxLength: 10}}, required: ['a']},
      },
      required: ['amount', 'free', 'strict'],
    });
  });

  test.each([
    ['a string without a bound', z.object({a: z.string()}), 'spec.a: has no maxLength'],
    ['a list without a bound', z.object({a: z.array(text)}), 'spec.a: has no maxItems'],
    ['a map without a bound', z.object({a: z.record(z.string(), text)}), 'spec.a: has no maxProperties'],
    ['a list of no kind', z.object({a: z.array(text).max(1)}), 'spec.a: has no x-kubernetes-list-type'],
    ['a union', z.object({a: z.union([text, z.boolean()])}), 'spec.a: anyOf cannot stand'],
    [
      'a pattern, whose message helps nobody',
      z.object({a: text.regex(/^a$/)}),
      'spec.a: pattern cannot stand',
    ],
    ['a bound that excludes', z.object({a: z.number().gt(1)}), 'spec.a: exclusiveMinimum cannot stand'],
  ])('refuses %s', (_title, schema, problem) => {
    expect(() => structuralSchema(schema, 'spec')).toThrow(problem);
  });

  test('rules upon rules all stand in it, and are all checked', () => {
    const schema = withRules(withRules(text, [matches(/^a/, 'begin')]), [matches(/b$/, 'end')]).optional();
    expect(structuralSchema(z.object({a: schema}), 'spec')).toMatchObject({
      properties: {
        a: {
          'x-kubernetes-validations': [
            {rule: "self.matches('^a')", message: 'begin'},
            {rule: "self.matches('b$')", message: 'end'},
          ],
        },
      },
    });
    expect(schema.safeParse('x').error?.issues.map(({message}) => message)).toEqual(['begin', 'end']);
  });
});
