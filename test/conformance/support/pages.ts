import {formOf, type Answer, type Form} from '../../support/browser.ts';

/** Every form of a page, with the fields that it already fills in. */
export function formsOf(answer: Answer): Form[] {
  const forms = answer.body.match(/<form\b[\s\S]*?<\/form>/gi) ?? [];
  return forms.flatMap((body) => formOf({...answer, body}) ?? []);
}
