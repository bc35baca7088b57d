import type {Page} from 'playwright-core';
import {HOME} from './site.ts';

/** Signs in by the pages, and ends where `path` leads, by default on the account page. */
export async function signInAs(page: Page, user: string, address = `${HOME}/auth/account`): Promise<void> {
  await page.goto(
    address === `${HOME}/auth/account`
      ? address
      : `${HOME}/auth/start?return_to=${encodeURIComponent(address)}`,
  );
  await page.getByRole('link', {name: 'Continue with Example Staff'}).click();
  await page.getByLabel('User').fill(user);
  await page.getByLabel('Password').fill('correct horse battery staple');
  await page.getByRole('button', {name: 'Sign in'}).click();
  await page.getByRole('button', {name: 'Allow'}).click();
  await page.waitForURL(address);
}
