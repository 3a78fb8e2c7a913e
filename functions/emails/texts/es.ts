/** Spanish. @module */
import type { Texts } from './texts.ts'

const whyInviter = ({ organisation }: { organisation: string }) =>
  `Recibe este correo porque envió la invitación a ${organisation}.`
const whyMayInvite = ({ organisation }: { organisation: string }) =>
  `Recibe este correo porque puede invitar a personas a ${organisation}.`
const whyMember = ({ organisation }: { organisation: string }) =>
  `Recibe este correo porque es miembro de ${organisation}.`
const whyFormerMember = ({ organisation }: { organisation: string }) =>
  `Recibe este correo porque era miembro de ${organisation}.`
const whyAsked = ({ organisation }: { organisation: string }) =>
  `Recibe este correo porque pidió unirse a ${organisation}.`
const whyReviewer = ({ organisation }: { organisation: string }) =>
  `Recibe este correo porque puede revisar permisos en ${organisation}.`

export const es: Texts = {
  roles: { owner: 'Propietario', admin: 'Administrador', finance: 'Finanzas', member: 'Miembro' },
  someone: 'Un administrador',
  invite: {
    subject: ({ organisation, inviter }) =>
      inviter
        ? `${inviter} le invita a unirse a ${organisation}`
        : `Tiene una invitación para unirse a ${organisation}`,
    reminder: ({ organisation, expiresIn }) =>
      `Su invitación a ${organisation} termina ${expiresIn}`,
    preview: ({ roles, roleCount, expiresIn }) =>
      `${roleCount === 1 ? 'Su función' : 'Sus funciones'}: ${roles}. La invitación termina ${expiresIn}.`,
    heading: ({ organisation }) => `Unirse a ${organisation}`,
    intro: ({ organisation, inviter }) =>
      inviter
        ? `${inviter} le invita a ser miembro de ${organisation}.`
        : `Tiene una invitación para ser miembro de ${organisation}.`,
    role: ({ roles, roleCount }) => `${roleCount === 1 ? 'Su función' : 'Sus funciones'}: ${roles}`,
    expiry: ({ expiresIn, expiresAt }) => `La invitación termina ${expiresIn}, el ${expiresAt}.`,
    membershipEnd: ({ membershipEndsAt }) => `Su pertenencia duraría hasta el ${membershipEndsAt}.`,
    button: 'Ver la invitación',
    link: 'Si el botón no funciona, copie esta dirección en su navegador:',
    why: ({ organisation, email }) =>
      `Recibe este correo porque alguien de ${organisation} introdujo la dirección ${email}. Si no lo esperaba, ignórelo: no ocurre nada mientras no acepte.`,
    decline: 'Rechazar la invitación',
    stop: ({ organisation }) => `No recibir más invitaciones de ${organisation}`,
  },
  notices: {
    reason: 'El motivo indicado:',
    buttons: {
      organisation: 'Ver la organización',
      members: 'Ver los miembros',
      invitation: 'Ver la invitación',
      invitations: 'Ver las invitaciones',
      resend: 'Reenviar la invitación',
      devices: 'Ver los dispositivos',
      review: 'Abrir la revisión',
      webhook: 'Ver los webhooks',
      request: 'Ver la solicitud',
    },
    invite_accepted: {
      subject: ({ organisation, invitee }) => `${invitee} se ha unido a ${organisation}`,
      heading: 'Su invitación fue aceptada',
      body: ({ organisation, invitee, roles }) =>
        `${invitee} ya es miembro de ${organisation}. Función: ${roles}.`,
      why: whyInviter,
    },
    invite_declined: {
      subject: ({ organisation, invitee }) => `${invitee} no se unirá a ${organisation}`,
      heading: 'Una invitación fue rechazada',
      body: ({ organisation, invitee, roles }) =>
        `${invitee} ha rechazado la invitación a ${organisation}. Función: ${roles}.`,
      why: whyMayInvite,
    },
    invite_expired: {
      subject: ({ organisation, invitee }) =>
        `La invitación de ${invitee} a ${organisation} ha caducado`,
      heading: 'Una invitación ha caducado',
      body: ({ organisation, invitee, roles }) =>
        `${invitee} no respondió a tiempo a la invitación a ${organisation}. Función: ${roles}. Puede enviarla de nuevo.`,
      why: whyInviter,
    },
    invite_resend_requested: {
      subject: ({ organisation, invitee }) =>
        `${invitee} pide una nueva invitación a ${organisation}`,
      heading: 'Alguien pide una nueva invitación',
      body: ({ organisation, invitee, roles }) =>
        `La invitación de ${invitee} a ${organisation} ha caducado y se pide una nueva. Función: ${roles}. Puede enviarla de nuevo.`,
      why: ({ organisation }) =>
        `Recibe este correo porque puede volver a enviar invitaciones a ${organisation}.`,
    },
    device_enrolled: {
      subject: ({ organisation, device }) => `${device} está registrado en ${organisation}`,
      heading: 'Un dispositivo está registrado',
      body: ({ organisation, device, roles }) =>
        `El dispositivo ${device} ha usado su código y ya pertenece a ${organisation}. Función: ${roles}. Si no era lo previsto, quítelo.`,
      why: ({ organisation }) => `Recibe este correo porque creó el código para ${organisation}.`,
    },
    access_review_started: {
      subject: ({ organisation, review }) => `Revise los permisos en ${organisation}: ${review}`,
      heading: 'Ha empezado una revisión de permisos',
      body: ({ organisation, review, actor, due_at }) =>
        `${actor} ha iniciado la revisión «${review}» en ${organisation}. Confirme o retire cada permiso antes del ${due_at}.`,
      why: whyReviewer,
    },
    access_review_overdue: {
      subject: ({ organisation, review }) =>
        `La revisión ${review} en ${organisation} va con retraso`,
      heading: 'Una revisión de permisos va con retraso',
      body: ({ organisation, review, due_at }) =>
        `La revisión «${review}» en ${organisation} debía terminar el ${due_at}, y aún hay permisos sin respuesta.`,
      why: whyReviewer,
    },
    webhook_disabled: {
      subject: ({ webhook }) => `El webhook hacia ${webhook} se ha desactivado`,
      heading: 'Se ha desactivado un webhook',
      body: ({ organisation, webhook }) =>
        `${webhook} ya no se entera de lo que ocurre en ${organisation}: llevaba días sin aceptar nada o ya no existe. Puede volver a activarlo y enviar lo perdido.`,
      why: ({ organisation }) =>
        `Recibe este correo porque gestiona los webhooks de ${organisation}.`,
    },
    invites_lost_right: {
      subject: ({ organisation }) => `Hay invitaciones a ${organisation} que ya no valen`,
      heading: 'Invitaciones que ya no valen',
      body: ({ organisation, person, count }) =>
        `${person} ya no puede invitar a ${organisation}. Invitaciones abiertas suyas que ya no valen: ${count}. Usted puede enviarlas de nuevo en su propio nombre.`,
      why: whyMayInvite,
    },
    credentials_lost_right: {
      subject: ({ credentials }) => `Alguien debe responder de ${credentials}`,
      heading: 'Nadie responde ya de esto',
      body: ({ organisation, person, credentials, endsAt }) =>
        `${person} ya no puede responder de esto en ${organisation}: ${credentials}. Funciona hasta el ${endsAt}, y sigue si otra persona lo asume.`,
      why: ({ organisation }) => `Recibe este correo porque administra ${organisation}.`,
    },
    member_roles_updated: {
      subject: ({ organisation }) => `Sus funciones en ${organisation} han cambiado`,
      heading: 'Sus funciones han cambiado',
      body: ({ organisation, roles, actor }) =>
        `${actor} ha cambiado lo que puede hacer en ${organisation}. ${roles ? `Sus funciones son ahora: ${roles}.` : 'Ya no tiene ninguna función allí.'}`,
      why: whyMember,
    },
    member_removed: {
      subject: ({ organisation }) => `Ya no es miembro de ${organisation}`,
      heading: 'Ha dejado de ser miembro',
      body: ({ organisation, actor }) => `${actor} le ha retirado de ${organisation}.`,
      why: whyFormerMember,
    },
    member_banned: {
      subject: ({ organisation }) => `Se le ha excluido de ${organisation}`,
      heading: 'Se le ha excluido',
      body: ({ organisation, actor }) =>
        `${actor} le ha excluido de ${organisation}. No se le puede invitar allí hasta que se levante la exclusión.`,
      why: whyFormerMember,
    },
    access_ending: {
      subject: ({ organisation, isMembership }) =>
        isMembership
          ? `Su pertenencia a ${organisation} termina pronto`
          : `Uno de sus roles en ${organisation} termina pronto`,
      heading: 'Su acceso termina pronto',
      body: ({ organisation, isMembership, roles, endsAt }) =>
        isMembership
          ? `Su pertenencia a ${organisation} termina el ${endsAt}. Si la necesita más tiempo, pídalo a un administrador.`
          : `En ${organisation} tiene hasta el ${endsAt}: ${roles}. Si lo necesita más tiempo, pídalo a un administrador.`,
      why: whyMember,
    },
    access_ended: {
      subject: ({ organisation, isMembership }) =>
        isMembership
          ? `Su pertenencia a ${organisation} ha terminado`
          : `Uno de sus roles en ${organisation} ha terminado`,
      heading: 'Su acceso ha terminado',
      body: ({ organisation, isMembership, roles, endsAt }) =>
        isMembership
          ? `Su pertenencia a ${organisation} terminó el ${endsAt}, como estaba previsto.`
          : `En ${organisation} ya no tiene: ${roles}. El plazo terminó el ${endsAt}.`,
      why: (words) => (words.isMembership ? whyFormerMember(words) : whyMember(words)),
    },
    ownership_transferred: {
      subject: ({ organisation }) => `${organisation} tiene un nuevo propietario`,
      heading: 'La organización tiene un nuevo propietario',
      body: ({ organisation, owner, actor, roles }) =>
        `${actor} ha traspasado ${organisation} a ${owner}. Su función es ahora: ${roles}.`,
      why: ({ organisation }) =>
        `Recibe este correo porque era o es ahora propietario de ${organisation}.`,
    },
    join_requested: {
      subject: ({ organisation, requester }) => `${requester} pide unirse a ${organisation}`,
      heading: 'Alguien pide unirse',
      body: ({ organisation, requester }) =>
        `${requester} tiene una dirección confirmada de uno de sus dominios y pide ser miembro de ${organisation}. Usted decide.`,
      why: whyMayInvite,
    },
    join_approved: {
      subject: ({ organisation }) => `Ya es miembro de ${organisation}`,
      heading: 'Solicitud aceptada',
      body: ({ organisation, roles, actor }) =>
        `${actor} le ha admitido en ${organisation}. Función: ${roles}.`,
      why: whyAsked,
    },
    join_declined: {
      subject: ({ organisation }) => `No puede unirse a ${organisation}`,
      heading: 'Solicitud rechazada',
      body: ({ organisation, actor }) =>
        `${actor} ha rechazado su solicitud de unirse a ${organisation}.`,
      why: whyAsked,
    },
  },
  auth: {
    code: 'O introduzca este código:',
    invited: ({ organisation, roles, expiresIn, expiresAt }) =>
      `Tiene una invitación a ${organisation}. Función: ${roles}. La invitación termina ${expiresIn}, el ${expiresAt}.`,
    whyAsked: ({ email, project }) =>
      `Recibe este correo porque alguien introdujo la dirección ${email} en ${project}. Si no fue usted, ignórelo y no comparta nunca el código ni el enlace.`,
    whyTold: ({ project }) =>
      `Recibe este correo porque afecta a la seguridad de su cuenta de ${project}.`,
    signup: {
      subject: 'Confirme su dirección',
      body: ({ email }) => `Confirme que ${email} es suya y su cuenta estará lista.`,
      button: 'Confirmar mi dirección',
    },
    invite: {
      subject: 'Tiene una invitación',
      body: ({ email }) => `Hay una cuenta lista para ${email}. Actívela para entrar.`,
      button: 'Activar la cuenta',
    },
    magiclink: {
      subject: 'Su enlace para entrar',
      body: ({ email }) => `Con este enlace entra como ${email}. Funciona una vez.`,
      button: 'Entrar',
    },
    recovery: {
      subject: 'Elija una nueva contraseña',
      body: ({ email }) =>
        `Alguien quiere elegir una nueva contraseña para ${email}. Si fue usted, continúe aquí.`,
      button: 'Elegir una nueva contraseña',
    },
    email_change: {
      subject: 'Confirme el cambio de su dirección',
      body: ({ email }) =>
        `Confirme que su cuenta debe usar a partir de ahora la dirección ${email}.`,
      button: 'Confirmar el cambio',
    },
    reauthentication: {
      subject: 'Su código',
      body: () => 'Introduzca este código para demostrar que es usted.',
      button: null,
    },
    password_changed_notification: {
      subject: 'Su contraseña ha cambiado',
      body: ({ email }) =>
        `La contraseña de ${email} ha cambiado. Si no fue usted, elija otra de inmediato.`,
      button: 'Elegir una nueva contraseña',
    },
    email_changed_notification: {
      subject: 'Su dirección ha cambiado',
      body: ({ email, project }) =>
        `Su cuenta usa ahora la dirección ${email}. Si no fue usted, contacte con ${project} de inmediato.`,
      button: null,
    },
    phone_changed_notification: {
      subject: 'Su número de teléfono ha cambiado',
      body: ({ email, project }) =>
        `El número de teléfono de ${email} ha cambiado. Si no fue usted, contacte con ${project} de inmediato.`,
      button: null,
    },
    identity_linked_notification: {
      subject: 'Se añadió otra forma de entrar',
      body: ({ email }) =>
        `${email} puede entrar ahora también con otra cuenta. Si no fue usted, quítela de inmediato.`,
      button: null,
    },
    identity_unlinked_notification: {
      subject: 'Se quitó una forma de entrar',
      body: ({ email, project }) =>
        `Se ha quitado una de las formas de entrar como ${email}. Si no fue usted, contacte con ${project} de inmediato.`,
      button: null,
    },
    mfa_factor_enrolled_notification: {
      subject: 'Se añadió un segundo factor',
      body: ({ email }) =>
        `Para entrar como ${email} se pide ahora un factor más. Si no fue usted, quítelo de inmediato.`,
      button: null,
    },
    mfa_factor_unenrolled_notification: {
      subject: 'Se quitó un segundo factor',
      body: ({ email }) =>
        `Para entrar como ${email} ya no se pide uno de sus factores. Si no fue usted, añádalo de nuevo de inmediato.`,
      button: null,
    },
  },
}
