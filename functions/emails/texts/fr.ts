/** French. @module */
import type { Texts } from './texts.ts'

const whyInviter = ({ organisation }: { organisation: string }) =>
  `Vous recevez ce message parce que vous avez envoyé l’invitation à rejoindre ${organisation}.`
const whyMayInvite = ({ organisation }: { organisation: string }) =>
  `Vous recevez ce message parce que vous pouvez inviter des personnes à rejoindre ${organisation}.`
const whyMember = ({ organisation }: { organisation: string }) =>
  `Vous recevez ce message parce que vous êtes membre de ${organisation}.`
const whyFormerMember = ({ organisation }: { organisation: string }) =>
  `Vous recevez ce message parce que vous étiez membre de ${organisation}.`
const whyAsked = ({ organisation }: { organisation: string }) =>
  `Vous recevez ce message parce que vous avez demandé à rejoindre ${organisation}.`
const whyReviewer = ({ organisation }: { organisation: string }) =>
  `Vous recevez ce message parce que vous pouvez vérifier les droits dans ${organisation}.`

export const fr: Texts = {
  roles: {
    owner: 'Propriétaire',
    admin: 'Administrateur',
    finance: 'Finances',
    member: 'Membre',
  },
  someone: 'Un administrateur',
  invite: {
    subject: ({ organisation, inviter }) =>
      inviter
        ? `${inviter} vous invite à rejoindre ${organisation}`
        : `Vous êtes invité à rejoindre ${organisation}`,
    reminder: ({ organisation, expiresIn }) =>
      `Votre invitation à rejoindre ${organisation} expire ${expiresIn}`,
    preview: ({ roles, roleCount, expiresIn }) =>
      `${roleCount === 1 ? 'Votre rôle' : 'Vos rôles'} : ${roles}. L’invitation expire ${expiresIn}.`,
    heading: ({ organisation }) => `Rejoindre ${organisation}`,
    intro: ({ organisation, inviter }) =>
      inviter
        ? `${inviter} vous invite à devenir membre de ${organisation}.`
        : `Vous êtes invité à devenir membre de ${organisation}.`,
    role: ({ roles, roleCount }) => `${roleCount === 1 ? 'Votre rôle' : 'Vos rôles'} : ${roles}`,
    expiry: ({ expiresIn, expiresAt }) => `L’invitation expire ${expiresIn}, le ${expiresAt}.`,
    membershipEnd: ({ membershipEndsAt }) =>
      `Votre adhésion durerait jusqu’au ${membershipEndsAt}.`,
    button: 'Voir l’invitation',
    link: 'Si le bouton ne fonctionne pas, copiez cette adresse dans votre navigateur :',
    why: ({ organisation, email }) =>
      `Vous recevez ce message parce que quelqu’un chez ${organisation} a saisi l’adresse ${email}. Si vous ne l’attendiez pas, ignorez-le : rien ne se passe tant que vous n’acceptez pas.`,
    decline: 'Refuser l’invitation',
    stop: ({ organisation }) => `Ne plus recevoir d’invitations de ${organisation}`,
  },
  notices: {
    reason: 'La raison donnée :',
    buttons: {
      organisation: 'Voir l’organisation',
      members: 'Voir les membres',
      invitation: 'Voir l’invitation',
      invitations: 'Voir les invitations',
      resend: 'Renvoyer l’invitation',
      devices: 'Voir les appareils',
      review: 'Ouvrir la vérification',
      webhook: 'Voir les webhooks',
      request: 'Voir la demande',
    },
    invite_accepted: {
      subject: ({ organisation, invitee }) => `${invitee} a rejoint ${organisation}`,
      heading: 'Votre invitation a été acceptée',
      body: ({ organisation, invitee, roles }) =>
        `${invitee} est désormais membre de ${organisation}. Rôle : ${roles}.`,
      why: whyInviter,
    },
    invite_declined: {
      subject: ({ organisation, invitee }) => `${invitee} ne rejoindra pas ${organisation}`,
      heading: 'Une invitation a été refusée',
      body: ({ organisation, invitee, roles }) =>
        `${invitee} a refusé l’invitation à rejoindre ${organisation}. Rôle : ${roles}.`,
      why: whyMayInvite,
    },
    invite_expired: {
      subject: ({ organisation, invitee }) =>
        `L’invitation de ${invitee} à rejoindre ${organisation} a expiré`,
      heading: 'Une invitation a expiré',
      body: ({ organisation, invitee, roles }) =>
        `${invitee} n’a pas répondu à temps à l’invitation à rejoindre ${organisation}. Rôle : ${roles}. Vous pouvez la renvoyer.`,
      why: whyInviter,
    },
    invite_resend_requested: {
      subject: ({ organisation, invitee }) =>
        `${invitee} demande une nouvelle invitation à rejoindre ${organisation}`,
      heading: 'Une nouvelle invitation est demandée',
      body: ({ organisation, invitee, roles }) =>
        `L’invitation de ${invitee} à rejoindre ${organisation} a expiré et une nouvelle est demandée. Rôle : ${roles}. Vous pouvez la renvoyer.`,
      why: ({ organisation }) =>
        `Vous recevez ce message parce que vous pouvez renvoyer les invitations de ${organisation}.`,
    },
    device_enrolled: {
      subject: ({ organisation, device }) => `${device} est enregistré dans ${organisation}`,
      heading: 'Un appareil est enregistré',
      body: ({ organisation, device, roles }) =>
        `L’appareil ${device} a utilisé son code et fait désormais partie de ${organisation}. Rôle : ${roles}. Si ce n’était pas voulu, retirez-le.`,
      why: ({ organisation }) =>
        `Vous recevez ce message parce que vous avez créé le code pour ${organisation}.`,
    },
    access_review_started: {
      subject: ({ organisation, review }) =>
        `Merci de vérifier les droits dans ${organisation} : ${review}`,
      heading: 'Une vérification des droits a commencé',
      body: ({ organisation, review, actor, due_at }) =>
        `${actor} a lancé la vérification « ${review} » dans ${organisation}. Merci de confirmer ou de retirer chaque droit avant le ${due_at}.`,
      why: whyReviewer,
    },
    access_review_overdue: {
      subject: ({ organisation, review }) =>
        `La vérification ${review} dans ${organisation} est en retard`,
      heading: 'Une vérification des droits est en retard',
      body: ({ organisation, review, due_at }) =>
        `La vérification « ${review} » dans ${organisation} devait être terminée le ${due_at}, et des droits attendent encore une réponse.`,
      why: whyReviewer,
    },
    webhook_disabled: {
      subject: ({ webhook }) => `Le webhook vers ${webhook} a été désactivé`,
      heading: 'Un webhook a été désactivé',
      body: ({ organisation, webhook }) =>
        `${webhook} n’apprend plus ce qui se passe dans ${organisation} : rien n’y était accepté depuis des jours, ou l’adresse n’existe plus. Vous pouvez la réactiver.`,
      why: ({ organisation }) =>
        `Vous recevez ce message parce que vous gérez les webhooks de ${organisation}.`,
    },
    invites_lost_right: {
      subject: ({ organisation }) => `Des invitations à rejoindre ${organisation} ne valent plus`,
      heading: 'Des invitations ne valent plus',
      body: ({ organisation, person, count }) =>
        `${person} ne peut plus inviter à rejoindre ${organisation}. Ses invitations en cours qui ne valent plus : ${count}. Vous pouvez les renvoyer en votre propre nom.`,
      why: whyMayInvite,
    },
    credentials_lost_right: {
      subject: ({ credentials }) => `Quelqu’un doit répondre de ${credentials}`,
      heading: 'Plus personne n’en répond',
      body: ({ organisation, person, credentials, endsAt }) =>
        `${person} ne peut plus en répondre dans ${organisation} : ${credentials}. Cela fonctionne jusqu’au ${endsAt}, et continue si une autre personne le reprend.`,
      why: ({ organisation }) => `Vous recevez ce message parce que vous gérez ${organisation}.`,
    },
    member_roles_updated: {
      subject: ({ organisation }) => `Vos rôles dans ${organisation} ont changé`,
      heading: 'Vos rôles ont changé',
      body: ({ organisation, roles, actor }) =>
        `${actor} a modifié ce que vous pouvez faire dans ${organisation}. ${roles ? `Vos rôles sont désormais : ${roles}.` : 'Vous n’y avez plus aucun rôle.'}`,
      why: whyMember,
    },
    member_removed: {
      subject: ({ organisation }) => `Vous n’êtes plus membre de ${organisation}`,
      heading: 'Votre adhésion a pris fin',
      body: ({ organisation, actor }) => `${actor} vous a retiré de ${organisation}.`,
      why: whyFormerMember,
    },
    member_banned: {
      subject: ({ organisation }) => `Vous êtes exclu de ${organisation}`,
      heading: 'Vous êtes exclu',
      body: ({ organisation, actor }) =>
        `${actor} vous a exclu de ${organisation}. Vous ne pouvez pas y être invité tant que cela n’est pas levé.`,
      why: whyFormerMember,
    },
    access_ending: {
      subject: ({ organisation, isMembership }) =>
        isMembership
          ? `Votre adhésion à ${organisation} prend bientôt fin`
          : `Un de vos rôles dans ${organisation} prend bientôt fin`,
      heading: 'Votre accès prend bientôt fin',
      body: ({ organisation, isMembership, roles, endsAt }) =>
        isMembership
          ? `Votre adhésion à ${organisation} prend fin le ${endsAt}. Si vous en avez besoin plus longtemps, adressez-vous à un administrateur.`
          : `Dans ${organisation}, vous avez jusqu’au ${endsAt} : ${roles}. Si vous en avez besoin plus longtemps, adressez-vous à un administrateur.`,
      why: whyMember,
    },
    access_ended: {
      subject: ({ organisation, isMembership }) =>
        isMembership
          ? `Votre adhésion à ${organisation} a pris fin`
          : `Un de vos rôles dans ${organisation} a pris fin`,
      heading: 'Votre accès a pris fin',
      body: ({ organisation, isMembership, roles, endsAt }) =>
        isMembership
          ? `Votre adhésion à ${organisation} a pris fin le ${endsAt}, comme prévu.`
          : `Dans ${organisation}, vous n’avez plus : ${roles}. La période a pris fin le ${endsAt}.`,
      why: (words) => (words.isMembership ? whyFormerMember(words) : whyMember(words)),
    },
    ownership_transferred: {
      subject: ({ organisation }) => `${organisation} a un nouveau propriétaire`,
      heading: 'L’organisation a un nouveau propriétaire',
      body: ({ organisation, owner, actor, roles }) =>
        `${actor} a transmis ${organisation} à ${owner}. Votre rôle est désormais : ${roles}.`,
      why: ({ organisation }) =>
        `Vous recevez ce message parce que vous étiez ou êtes désormais propriétaire de ${organisation}.`,
    },
    join_requested: {
      subject: ({ organisation, requester }) => `${requester} demande à rejoindre ${organisation}`,
      heading: 'Quelqu’un demande à rejoindre',
      body: ({ organisation, requester }) =>
        `${requester} a une adresse confirmée de l’un de vos domaines et demande à devenir membre de ${organisation}. À vous de décider.`,
      why: whyMayInvite,
    },
    join_approved: {
      subject: ({ organisation }) => `Vous êtes désormais membre de ${organisation}`,
      heading: 'Vous êtes accepté',
      body: ({ organisation, roles, actor }) =>
        `${actor} vous a admis dans ${organisation}. Rôle : ${roles}.`,
      why: whyAsked,
    },
    join_declined: {
      subject: ({ organisation }) => `Vous ne pouvez pas rejoindre ${organisation}`,
      heading: 'Votre demande a été refusée',
      body: ({ organisation, actor }) =>
        `${actor} a refusé votre demande de rejoindre ${organisation}.`,
      why: whyAsked,
    },
  },
  auth: {
    code: 'Ou saisissez ce code :',
    invited: ({ organisation, roles, expiresIn, expiresAt }) =>
      `Vous êtes invité à rejoindre ${organisation}. Rôle : ${roles}. L’invitation expire ${expiresIn}, le ${expiresAt}.`,
    whyAsked: ({ email, project }) =>
      `Vous recevez cet e-mail parce que quelqu’un a saisi l’adresse ${email} sur ${project}. Si ce n’était pas vous, ignorez-le et ne communiquez jamais le code ni le lien.`,
    whyTold: ({ project }) =>
      `Vous recevez cet e-mail parce qu’il concerne la sécurité de votre compte ${project}.`,
    signup: {
      subject: 'Confirmez votre adresse',
      body: ({ email }) => `Confirmez que ${email} est à vous et votre compte sera prêt.`,
      button: 'Confirmer mon adresse',
    },
    invite: {
      subject: 'Vous êtes invité',
      body: ({ email }) => `Un compte est prêt pour ${email}. Activez-le pour vous connecter.`,
      button: 'Activer le compte',
    },
    magiclink: {
      subject: 'Votre lien de connexion',
      body: ({ email }) =>
        `Avec ce lien, vous vous connectez en tant que ${email}. Il fonctionne une fois.`,
      button: 'Se connecter',
    },
    recovery: {
      subject: 'Choisissez un nouveau mot de passe',
      body: ({ email }) =>
        `Quelqu’un veut choisir un nouveau mot de passe pour ${email}. Si c’était vous, continuez ici.`,
      button: 'Choisir un nouveau mot de passe',
    },
    email_change: {
      subject: 'Confirmez le changement d’adresse',
      body: ({ email }) => `Confirmez que votre compte doit désormais utiliser l’adresse ${email}.`,
      button: 'Confirmer le changement',
    },
    reauthentication: {
      subject: 'Votre code',
      body: () => 'Saisissez ce code pour montrer que c’est bien vous.',
      button: null,
    },
    password_changed_notification: {
      subject: 'Votre mot de passe a été changé',
      body: ({ email }) =>
        `Le mot de passe de ${email} a été changé. Si ce n’était pas vous, choisissez-en un nouveau tout de suite.`,
      button: 'Choisir un nouveau mot de passe',
    },
    email_changed_notification: {
      subject: 'Votre adresse a été changée',
      body: ({ email, project }) =>
        `Votre compte utilise désormais l’adresse ${email}. Si ce n’était pas vous, contactez ${project} tout de suite.`,
      button: null,
    },
    phone_changed_notification: {
      subject: 'Votre numéro de téléphone a été changé',
      body: ({ email, project }) =>
        `Le numéro de téléphone de ${email} a été changé. Si ce n’était pas vous, contactez ${project} tout de suite.`,
      button: null,
    },
    identity_linked_notification: {
      subject: 'Un nouveau moyen de connexion a été ajouté',
      body: ({ email }) =>
        `${email} peut désormais aussi se connecter par un autre compte. Si ce n’était pas vous, retirez-le tout de suite.`,
      button: null,
    },
    identity_unlinked_notification: {
      subject: 'Un moyen de connexion a été retiré',
      body: ({ email, project }) =>
        `L’un des moyens de se connecter en tant que ${email} a été retiré. Si ce n’était pas vous, contactez ${project} tout de suite.`,
      button: null,
    },
    mfa_factor_enrolled_notification: {
      subject: 'Un second facteur a été ajouté',
      body: ({ email }) =>
        `La connexion en tant que ${email} demande désormais un facteur de plus. Si ce n’était pas vous, retirez-le tout de suite.`,
      button: null,
    },
    mfa_factor_unenrolled_notification: {
      subject: 'Un second facteur a été retiré',
      body: ({ email }) =>
        `La connexion en tant que ${email} ne demande plus l’un de ses facteurs. Si ce n’était pas vous, ajoutez-le de nouveau tout de suite.`,
      button: null,
    },
  },
}
