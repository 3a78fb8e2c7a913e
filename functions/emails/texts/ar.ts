/** Arabic, written from right to left. @module */
import type { Texts } from './texts.ts'

const whyInviter = ({ organisation }: { organisation: string }) =>
  `تصلك هذه الرسالة لأنك أرسلت الدعوة إلى ${organisation}.`
const whyMayInvite = ({ organisation }: { organisation: string }) =>
  `تصلك هذه الرسالة لأن بإمكانك دعوة أشخاص إلى ${organisation}.`
const whyMember = ({ organisation }: { organisation: string }) =>
  `تصلك هذه الرسالة لأنك عضو في ${organisation}.`
const whyFormerMember = ({ organisation }: { organisation: string }) =>
  `تصلك هذه الرسالة لأنك كنت عضوًا في ${organisation}.`
const whyAsked = ({ organisation }: { organisation: string }) =>
  `تصلك هذه الرسالة لأنك طلبت الانضمام إلى ${organisation}.`
const whyReviewer = ({ organisation }: { organisation: string }) =>
  `تصلك هذه الرسالة لأن بإمكانك مراجعة الصلاحيات في ${organisation}.`

export const ar: Texts = {
  roles: { owner: 'مالك', admin: 'مدير', finance: 'مالية', member: 'عضو' },
  someone: 'أحد المديرين',
  invite: {
    subject: ({ organisation, inviter }) =>
      inviter ? `دعوة من ${inviter} إلى ${organisation}` : `دعوة إلى ${organisation}`,
    reminder: ({ organisation, expiresIn }) => `تنتهي دعوتك إلى ${organisation} ${expiresIn}`,
    preview: ({ roles, roleCount, expiresIn }) =>
      `${roleCount === 1 ? 'دورك' : 'أدوارك'}: ${roles}. تنتهي الدعوة ${expiresIn}.`,
    heading: ({ organisation }) => `الانضمام إلى ${organisation}`,
    intro: ({ organisation, inviter }) =>
      inviter
        ? `هذه دعوة من ${inviter} لتصبح عضوًا في ${organisation}.`
        : `هذه دعوة لتصبح عضوًا في ${organisation}.`,
    role: ({ roles, roleCount }) => `${roleCount === 1 ? 'دورك' : 'أدوارك'}: ${roles}`,
    expiry: ({ expiresIn, expiresAt }) => `تنتهي الدعوة ${expiresIn}، ${expiresAt}.`,
    membershipEnd: ({ membershipEndsAt }) => `تستمر عضويتك حتى ${membershipEndsAt}.`,
    button: 'عرض الدعوة',
    link: 'إذا لم يعمل الزر، فانسخ هذا العنوان إلى متصفحك:',
    why: ({ organisation, email }) =>
      `تصلك هذه الرسالة لأن أحدًا في ${organisation} أدخل العنوان ${email}. إن لم تكن تتوقعها فتجاهلها: لا يحدث شيء ما لم تقبل.`,
    decline: 'رفض الدعوة',
    stop: ({ organisation }) => `إيقاف الدعوات من ${organisation}`,
  },
  notices: {
    reason: 'السبب المذكور:',
    buttons: {
      organisation: 'عرض المؤسسة',
      members: 'عرض الأعضاء',
      invitation: 'عرض الدعوة',
      invitations: 'عرض الدعوات',
      resend: 'إعادة إرسال الدعوة',
      devices: 'عرض الأجهزة',
      review: 'فتح المراجعة',
      webhook: 'عرض خطافات الويب',
      request: 'عرض الطلب',
    },
    invite_accepted: {
      subject: ({ organisation, invitee }) => `انضم ${invitee} إلى ${organisation}`,
      heading: 'قُبلت دعوتك',
      body: ({ organisation, invitee, roles }) =>
        `أصبح ${invitee} عضوًا في ${organisation}. الدور: ${roles}.`,
      why: whyInviter,
    },
    invite_declined: {
      subject: ({ organisation, invitee }) => `لن ينضم ${invitee} إلى ${organisation}`,
      heading: 'رُفضت دعوة',
      body: ({ organisation, invitee, roles }) =>
        `رفض ${invitee} الدعوة إلى ${organisation}. الدور: ${roles}.`,
      why: whyMayInvite,
    },
    invite_expired: {
      subject: ({ organisation, invitee }) => `انتهت دعوة ${invitee} إلى ${organisation}`,
      heading: 'انتهت صلاحية دعوة',
      body: ({ organisation, invitee, roles }) =>
        `لم يرد ${invitee} على الدعوة إلى ${organisation} في الوقت المحدد. الدور: ${roles}. يمكنك إرسالها من جديد.`,
      why: whyInviter,
    },
    invite_resend_requested: {
      subject: ({ organisation, invitee }) => `يطلب ${invitee} دعوة جديدة إلى ${organisation}`,
      heading: 'طلب دعوة جديدة',
      body: ({ organisation, invitee, roles }) =>
        `انتهت دعوة ${invitee} إلى ${organisation} وطُلبت دعوة جديدة. الدور: ${roles}. يمكنك إرسالها من جديد.`,
      why: ({ organisation }) =>
        `تصلك هذه الرسالة لأن بإمكانك إعادة إرسال الدعوات إلى ${organisation}.`,
    },
    device_enrolled: {
      subject: ({ organisation, device }) => `أُضيف الجهاز ${device} إلى ${organisation}`,
      heading: 'أُضيف جهاز',
      body: ({ organisation, device, roles }) =>
        `استخدم الجهاز ${device} رمزه وأصبح تابعًا لـ ${organisation}. الدور: ${roles}. إن لم يكن ذلك مقصودًا فأزله.`,
      why: ({ organisation }) => `تصلك هذه الرسالة لأنك أنشأت الرمز لـ ${organisation}.`,
    },
    access_review_started: {
      subject: ({ organisation, review }) => `يرجى مراجعة الصلاحيات في ${organisation}: ${review}`,
      heading: 'بدأت مراجعة للصلاحيات',
      body: ({ organisation, review, actor, due_at }) =>
        `بدأ ${actor} المراجعة «${review}» في ${organisation}. يرجى تأكيد كل صلاحية أو سحبها قبل ${due_at}.`,
      why: whyReviewer,
    },
    access_review_overdue: {
      subject: ({ organisation, review }) => `تأخرت المراجعة ${review} في ${organisation}`,
      heading: 'تأخرت مراجعة الصلاحيات',
      body: ({ organisation, review, due_at }) =>
        `كان ينبغي أن تنتهي المراجعة «${review}» في ${organisation} قبل ${due_at}، وما زالت صلاحيات تنتظر الرد.`,
      why: whyReviewer,
    },
    webhook_disabled: {
      subject: ({ webhook }) => `أُوقف خطاف الويب إلى ${webhook}`,
      heading: 'أُوقف خطاف ويب',
      body: ({ organisation, webhook }) =>
        `لم يعد ${webhook} يعلم بما يحدث في ${organisation}: لم يقبل شيئًا منذ أيام، أو لم يعد موجودًا. يمكنك تشغيله من جديد وإرسال ما فاته.`,
      why: ({ organisation }) => `تصلك هذه الرسالة لأنك تدير خطافات الويب في ${organisation}.`,
    },
    invites_lost_right: {
      subject: ({ organisation }) => `لم تعد دعوات إلى ${organisation} صالحة`,
      heading: 'دعوات لم تعد صالحة',
      body: ({ organisation, person, count }) =>
        `لم يعد يحق لـ ${person} أن يدعو إلى ${organisation}. عدد الدعوات المفتوحة التي لم تعد صالحة: ${count}. يمكنك إرسالها من جديد باسمك.`,
      why: whyMayInvite,
    },
    credentials_lost_right: {
      subject: ({ credentials }) => `مطلوب من يتولى المسؤولية عن ${credentials}`,
      heading: 'لم يعد أحد مسؤولًا عن هذا',
      body: ({ organisation, person, credentials, endsAt }) =>
        `لم يعد يحق لـ ${person} تولي المسؤولية عن هذا في ${organisation}: ${credentials}. يعمل حتى ${endsAt}، ويستمر إن تولاه غيره.`,
      why: ({ organisation }) => `تصلك هذه الرسالة لأنك تدير ${organisation}.`,
    },
    member_roles_updated: {
      subject: ({ organisation }) => `تغيّرت أدوارك في ${organisation}`,
      heading: 'تغيّرت أدوارك',
      body: ({ organisation, roles, actor }) =>
        `غيّر ${actor} ما يمكنك فعله في ${organisation}. ${roles ? `أدوارك الآن: ${roles}.` : 'ليس لك فيها دور الآن.'}`,
      why: whyMember,
    },
    member_removed: {
      subject: ({ organisation }) => `لم تعد عضوًا في ${organisation}`,
      heading: 'انتهت عضويتك',
      body: ({ organisation, actor }) => `أزالك ${actor} من ${organisation}.`,
      why: whyFormerMember,
    },
    member_banned: {
      subject: ({ organisation }) => `تم حظرك من ${organisation}`,
      heading: 'تم حظرك',
      body: ({ organisation, actor }) =>
        `حظرك ${actor} من ${organisation}. لا يمكن دعوتك إليها حتى يُرفع الحظر.`,
      why: whyFormerMember,
    },
    access_ending: {
      subject: ({ organisation, isMembership }) =>
        isMembership
          ? `تنتهي عضويتك في ${organisation} قريبًا`
          : `ينتهي أحد أدوارك في ${organisation} قريبًا`,
      heading: 'ينتهي وصولك قريبًا',
      body: ({ organisation, isMembership, roles, endsAt }) =>
        isMembership
          ? `تنتهي عضويتك في ${organisation} في ${endsAt}. إن كنت تحتاج إليها مدة أطول فاطلب ذلك من أحد المشرفين.`
          : `لديك في ${organisation} حتى ${endsAt}: ${roles}. إن كنت تحتاج إلى ذلك مدة أطول فاطلبه من أحد المشرفين.`,
      why: whyMember,
    },
    access_ended: {
      subject: ({ organisation, isMembership }) =>
        isMembership ? `انتهت عضويتك في ${organisation}` : `انتهى أحد أدوارك في ${organisation}`,
      heading: 'انتهى وصولك',
      body: ({ organisation, isMembership, roles, endsAt }) =>
        isMembership
          ? `انتهت عضويتك في ${organisation} في ${endsAt} كما كان متفقًا عليه.`
          : `لم يعد لديك في ${organisation}: ${roles}. انتهت المدة في ${endsAt}.`,
      why: (words) => (words.isMembership ? whyFormerMember(words) : whyMember(words)),
    },
    ownership_transferred: {
      subject: ({ organisation }) => `لـ ${organisation} مالك جديد`,
      heading: 'للمؤسسة مالك جديد',
      body: ({ organisation, owner, actor, roles }) =>
        `نقل ${actor} ملكية ${organisation} إلى ${owner}. دورك الآن: ${roles}.`,
      why: ({ organisation }) => `تصلك هذه الرسالة لأنك كنت مالك ${organisation} أو أصبحت مالكها.`,
    },
    join_requested: {
      subject: ({ organisation, requester }) => `يطلب ${requester} الانضمام إلى ${organisation}`,
      heading: 'طلب انضمام',
      body: ({ organisation, requester }) =>
        `لدى ${requester} عنوان مؤكد من أحد نطاقاتكم ويطلب أن يصبح عضوًا في ${organisation}. القرار لك.`,
      why: whyMayInvite,
    },
    join_approved: {
      subject: ({ organisation }) => `أصبحت عضوًا في ${organisation}`,
      heading: 'قُبل طلبك',
      body: ({ organisation, roles, actor }) =>
        `قبل ${actor} انضمامك إلى ${organisation}. الدور: ${roles}.`,
      why: whyAsked,
    },
    join_declined: {
      subject: ({ organisation }) => `لا يمكنك الانضمام إلى ${organisation}`,
      heading: 'رُفض طلبك',
      body: ({ organisation, actor }) => `رفض ${actor} طلب انضمامك إلى ${organisation}.`,
      why: whyAsked,
    },
  },
  auth: {
    code: 'أو أدخل هذا الرمز:',
    invited: ({ organisation, roles, expiresIn, expiresAt }) =>
      `لديك دعوة إلى ${organisation}. الدور: ${roles}. تنتهي الدعوة ${expiresIn}، ${expiresAt}.`,
    whyAsked: ({ email, project }) =>
      `تصلك هذه الرسالة لأن أحدًا أدخل العنوان ${email} في ${project}. إن لم تكن أنت فتجاهلها ولا تشارك الرمز أو الرابط مع أحد.`,
    whyTold: ({ project }) => `تصلك هذه الرسالة لأنها تتعلق بأمان حسابك في ${project}.`,
    signup: {
      subject: 'أكّد عنوانك',
      body: ({ email }) => `أكّد أن ${email} عنوانك ليصبح حسابك جاهزًا.`,
      button: 'تأكيد العنوان',
    },
    invite: {
      subject: 'لديك دعوة',
      body: ({ email }) => `هناك حساب جاهز للعنوان ${email}. فعّله لتسجيل الدخول.`,
      button: 'تفعيل الحساب',
    },
    magiclink: {
      subject: 'رابط تسجيل الدخول',
      body: ({ email }) => `بهذا الرابط تسجّل الدخول بالعنوان ${email}. يعمل مرة واحدة.`,
      button: 'تسجيل الدخول',
    },
    recovery: {
      subject: 'اختر كلمة مرور جديدة',
      body: ({ email }) =>
        `يريد أحدهم اختيار كلمة مرور جديدة للعنوان ${email}. إن كنت أنت فتابع من هنا.`,
      button: 'اختيار كلمة مرور جديدة',
    },
    email_change: {
      subject: 'أكّد تغيير عنوانك',
      body: ({ email }) => `أكّد أن حسابك سيستخدم العنوان ${email} من الآن فصاعدًا.`,
      button: 'تأكيد التغيير',
    },
    reauthentication: {
      subject: 'رمزك',
      body: () => 'أدخل هذا الرمز لإثبات أنك أنت.',
      button: null,
    },
    password_changed_notification: {
      subject: 'تغيّرت كلمة مرورك',
      body: ({ email }) => `تغيّرت كلمة مرور ${email}. إن لم تكن أنت فاختر كلمة مرور جديدة فورًا.`,
      button: 'اختيار كلمة مرور جديدة',
    },
    email_changed_notification: {
      subject: 'تغيّر عنوانك',
      body: ({ email, project }) =>
        `يستخدم حسابك الآن العنوان ${email}. إن لم تكن أنت فتواصل مع ${project} فورًا.`,
      button: null,
    },
    phone_changed_notification: {
      subject: 'تغيّر رقم هاتفك',
      body: ({ email, project }) =>
        `تغيّر رقم هاتف ${email}. إن لم تكن أنت فتواصل مع ${project} فورًا.`,
      button: null,
    },
    identity_linked_notification: {
      subject: 'أُضيفت طريقة جديدة لتسجيل الدخول',
      body: ({ email }) =>
        `يمكن الآن تسجيل الدخول بالعنوان ${email} عبر حساب آخر أيضًا. إن لم تكن أنت فأزله فورًا.`,
      button: null,
    },
    identity_unlinked_notification: {
      subject: 'أُزيلت طريقة لتسجيل الدخول',
      body: ({ email, project }) =>
        `أُزيلت إحدى طرق تسجيل الدخول بالعنوان ${email}. إن لم تكن أنت فتواصل مع ${project} فورًا.`,
      button: null,
    },
    mfa_factor_enrolled_notification: {
      subject: 'أُضيف عامل تحقق ثانٍ',
      body: ({ email }) =>
        `يتطلب تسجيل الدخول بالعنوان ${email} الآن عاملًا إضافيًا. إن لم تكن أنت فأزله فورًا.`,
      button: null,
    },
    mfa_factor_unenrolled_notification: {
      subject: 'أُزيل عامل تحقق ثانٍ',
      body: ({ email }) =>
        `لم يعد تسجيل الدخول بالعنوان ${email} يتطلب أحد عوامله. إن لم تكن أنت فأضفه من جديد فورًا.`,
      button: null,
    },
  },
}
