// SPDX-License-Identifier: GPL-2.0
/*
 * Spare deadline reservations: network devices as sources of events
 *
 *	cpu.spare.dev		one device name a line; write +NAME or -NAME
 *
 * A packet that is received through such a device (a tap or macvtap) is an
 * event for the SCHED_DEADLINE threads of the group and of the groups below
 * it. Unlike the device's interrupt, it is seen also while the guest has
 * notifications suppressed. A device belongs to at most one group; it leaves
 * the group when it is unregistered.
 *
 * The name is looked up in the network namespace of who writes; the right to
 * that is of who opened the file, in the user namespace that owns it.
 */

#include <linux/netdevice.h>
#include <linux/rculist_nulls.h>
#include <linux/nsproxy.h>
#include <linux/rtnetlink.h>
#include <net/net_namespace.h>

/**
 * struct sched_spare_dev - a device bound to a group
 * @dev: the device; dev->spare_dev points back
 * @tg: the group
 * @node: in the group's list of devices; RTNL
 * @rcu: frees it after the last packet that saw it
 */
struct sched_spare_dev {
	struct net_device	*dev;
	struct task_group	*tg;
	struct list_head	node;
	struct rcu_head		rcu;
};

/* Members: the deadline threads of a group */

/* What the list of @tg ends with; the marker has a bit less than a pointer. */
#define SPARE_END_OF(tg)	((unsigned long)(tg) << 1 >> 1)

static void spare_member_del(struct task_struct *p)
{
	struct task_group *tg = READ_ONCE(p->spare.group);
	unsigned long flags;

	if (!tg)
		return;

	raw_spin_lock_irqsave(&tg->spare.lock, flags);
	/* A zombie may change its class while it leaves. */
	if (READ_ONCE(p->spare.group) == tg) {
		hlist_nulls_del_rcu(&p->spare.member);
		WRITE_ONCE(p->spare.group, NULL);
	}
	raw_spin_unlock_irqrestore(&tg->spare.lock, flags);
}

static bool spare_has_members(struct task_group *tg)
{
	/* Who joins after this sees what was done to @tg before. */
	guard(raw_spinlock_irqsave)(&tg->spare.lock);

	return !hlist_nulls_empty(&tg->spare.members);
}

void sched_spare_join(struct task_struct *p)
{
	struct task_group *tg = task_group(p);
	unsigned long flags;

	spare_member_del(p);

	raw_spin_lock_irqsave(&tg->spare.lock, flags);
	WRITE_ONCE(p->spare.group, tg);
	hlist_nulls_add_head_rcu(&p->spare.member, &tg->spare.members);
	raw_spin_unlock_irqrestore(&tg->spare.lock, flags);
}

/*
 * Call @fn for each member of @tg. A member that is moved meanwhile takes the
 * reader along to another group's list: begin again, until it has ended in its
 * own. Some may be called more than once.
 */
static void spare_members_call(struct task_group *tg,
			       void (*fn)(struct task_struct *p))
{
	struct hlist_nulls_node *node;
	struct task_struct *p;

again:
	hlist_nulls_for_each_entry_rcu(p, node, &tg->spare.members, spare.member) {
		if (READ_ONCE(p->spare.group) != tg)
			goto again;
		fn(p);
	}
	if (get_nulls_value(node) != SPARE_END_OF(tg))
		goto again;
}

/* @p is no deadline thread any more, or dead. */
void sched_spare_leave(struct task_struct *p)
{
	spare_member_del(p);
	spare_forget(p);
}

/*
 * @p has been moved to another group. One that may not borrow there has nothing
 * to ask for, and nobody may be left to tell that it has halted.
 */
void sched_spare_move(struct task_struct *p)
{
	if (READ_ONCE(p->spare.group))
		sched_spare_join(p);
	if (p->spare.pending && !spare_source(task_rq(p), p))
		spare_event_over(p);
}

void sched_spare_fork(struct task_struct *p)
{
	memset(&p->spare, 0, sizeof(p->spare));
	/* A copy of the parent's, which may be on loan. */
	p->dl_server = NULL;
}

/* Binding */

static void spare_dev_unbind(struct sched_spare_dev *sdev)
{
	ASSERT_RTNL();
	RCU_INIT_POINTER(sdev->dev->spare_dev, NULL);
	list_del(&sdev->node);
	kfree_rcu(sdev, rcu);
}

static void spare_dev_unbind_all(struct task_group *tg)
{
	struct sched_spare_dev *sdev, *tmp;

	/* No file is left to add one by; one that goes away leaves it empty. */
	if (list_empty(&tg->spare.devs))
		return;

	rtnl_lock();
	list_for_each_entry_safe(sdev, tmp, &tg->spare.devs, node)
		spare_dev_unbind(sdev);
	rtnl_unlock();
}

static int spare_dev_bind(struct task_group *tg, const char *name)
{
	struct sched_spare_dev *sdev;
	struct net_device *dev;

	ASSERT_RTNL();

	dev = __dev_get_by_name(current->nsproxy->net_ns, name);
	if (!dev)
		return -ENODEV;

	sdev = rtnl_dereference(dev->spare_dev);
	if (sdev)
		return sdev->tg == tg ? 0 : -EBUSY;

	sdev = kzalloc(sizeof(*sdev), GFP_KERNEL);
	if (!sdev)
		return -ENOMEM;

	sdev->dev = dev;
	sdev->tg = tg;
	list_add_tail(&sdev->node, &tg->spare.devs);
	rcu_assign_pointer(dev->spare_dev, sdev);

	return 0;
}

static int spare_dev_release(struct task_group *tg, const char *name)
{
	struct sched_spare_dev *sdev;

	list_for_each_entry(sdev, &tg->spare.devs, node) {
		if (!strcmp(netdev_name(sdev->dev), name) &&
		    net_eq(dev_net(sdev->dev), current->nsproxy->net_ns)) {
			spare_dev_unbind(sdev);
			return 0;
		}
	}

	return -ENODEV;
}

static ssize_t spare_dev_write(struct kernfs_open_file *of, char *buf,
			       size_t nbytes, loff_t off)
{
	struct task_group *tg = spare_css_tg(of_css(of));
	char *line = strstrip(buf), *name = line + 1;
	int ret;

	/* It decides whose packets are whose events. */
	if (!file_ns_capable(of->file, current->nsproxy->net_ns->user_ns,
			     CAP_NET_ADMIN))
		return -EPERM;
	if ((*line != '+' && *line != '-') || !dev_valid_name(name))
		return -EINVAL;

	rtnl_lock();
	ret = *line == '+' ? spare_dev_bind(tg, name) : spare_dev_release(tg, name);
	rtnl_unlock();

	return ret ?: nbytes;
}

static int spare_dev_show(struct seq_file *sf, void *v)
{
	struct task_group *tg = spare_css_tg(seq_css(sf));
	struct sched_spare_dev *sdev;

	rtnl_lock();
	list_for_each_entry(sdev, &tg->spare.devs, node)
		seq_printf(sf, "%s\n", netdev_name(sdev->dev));
	rtnl_unlock();

	return 0;
}

static int spare_dev_notify(struct notifier_block *nb, unsigned long action,
			    void *data)
{
	struct net_device *dev = netdev_notifier_info_to_dev(data);
	struct sched_spare_dev *sdev = rtnl_dereference(dev->spare_dev);

	if (action == NETDEV_UNREGISTER && sdev)
		spare_dev_unbind(sdev);

	return NOTIFY_DONE;
}

static struct notifier_block spare_dev_notifier = {
	.notifier_call = spare_dev_notify,
};

static int __init spare_dev_init(void)
{
	return register_netdevice_notifier(&spare_dev_notifier);
}
late_initcall(spare_dev_init);

/* O(threads and groups below the device's group), whatever else is there. */
void __sched_spare_dev_event(struct sched_spare_dev *sdev)
{
	struct cgroup_subsys_state *css = &sdev->tg->css, *pos;

	rcu_read_lock();
	if (list_empty(&css->children)) {
		spare_members_call(sdev->tg, sched_spare_event);
	} else {
		css_for_each_descendant_pre(pos, css)
			spare_members_call(spare_css_tg(pos), sched_spare_event);
	}
	rcu_read_unlock();
}
EXPORT_SYMBOL_GPL(__sched_spare_dev_event);
