/**
 * What is tried first. Short ones are here for what is made of them: repeated, or with digits behind. A list of millions
 * would add little: nearly all passwords that leaked are shorter than any that is accepted here.
 */
export const COMMON_PASSWORDS: ReadonlySet<string> = new Set(
  `password passwort passw0rd p@ssw0rd p@ssword motdepasse contrasena contraseña parola haslo wachtwoord senha
  mypassword thisismypassword newpassword defaultpassword changeme changemenow pleasechangeme letmein letmeinnow
  welcome welcomeback willkommen bienvenue administrator administration admin adminadmin root rootroot superuser
  secret topsecret verysecret supersecret secretsecret supersecretpassword nosecret
  iloveyou iloveyousomuch iloveyouforever monkey dragon sunshine princess football baseball superman batman
  starwars pokemon michael jordan jennifer charlie shadow master trustno1 whatever freedom computer internet
  qwerty qwertyuiop qwertyuiopasdfgh asdfghjkl zxcvbnm qwertz azerty qazwsx qazwsxedc 1q2w3e4r 1q2w3e4r5t 1q2w3e4r5t6y 1qaz2wsx 1qaz2wsx3edc
  abc123 abcd1234 a1b2c3d4 a1b2c3d4e5f6 aa123456 test testtest tester testing test1234 testpassword temp temporary temppassword
  guest guestguest demo demodemo example default nopassword none nothing
  correcthorsebatterystaple correct-horse-battery-staple thequickbrownfox thequickbrownfoxjumps
  tobeornottobe tobeornottobethatisthequestion maytheforcebewithyou opensesame abracadabra
  hunter hunter2 apollo nacos spring springboot springcloud config configuration configserver kubernetes docker postgres postgresql`.split(/\s+/),
);
