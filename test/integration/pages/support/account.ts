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

/** Signs out by a button of the account page, says yes at the provider, and ends where that leads. */
export async function signOutOf(
  page: Page,
  button = 'Sign out',
  address = /\/auth\/signed-out/,
): Promise<void> {
  await page.getByRole('button', {name: button, exact: true}).click();
  await confirmAtProvider(page);
  await page.waitForURL(address);
}

/** The provider's question, whose answer is yes. */
export async function confirmAtProvider(page: Page): Promise<void> {
  await page.getByText('Do you want to sign out here too').waitFor();
  await page.getByRole('button', {name: 'Sign out'}).click();
}
