/**
 * The queueing disciplines, classifiers and actions.
 *
 * <p>Kernel directories: {@code net/sched}.
 *
 * <p>Threading: a discipline runs under its root lock and has one runner at a time; the lock is dropped before the
 * device's transmit lock is taken.
 */
module net.sched {
    requires transitive net.core;

    exports net.sched;
    exports net.sched.act;
    exports net.sched.cls;
    exports net.sched.ifb;

    uses net.sched.act.TcActionOps;
    uses net.sched.cls.TcfProtoOps;

    provides net.core.KernelModule with
            net.sched.act.TcActionModule,
            net.sched.ifb.IfbModule;
    provides net.sched.act.TcActionOps with
            net.sched.act.GactOps,
            net.sched.act.PoliceOps,
            net.sched.act.MirredOps,
            net.sched.act.SkbeditOps,
            net.sched.act.PeditOps,
            net.sched.act.CsumOps,
            net.sched.act.VlanOps;
    provides net.sched.cls.TcfProtoOps with
            net.sched.cls.MatchallOps,
            net.sched.cls.FwOps,
            net.sched.cls.RouteOps,
            net.sched.cls.ematch.BasicOps,
            net.sched.cls.ematch.FlowOps,
            net.sched.cls.flower.FlowerOps,
            net.sched.cls.u32.U32Ops;
    provides net.core.dev.QdiscOps with
            net.sched.PfifoFastOps,
            net.sched.FifoOps.Pfifo,
            net.sched.FifoOps.Bfifo,
            net.sched.FifoOps.PfifoHeadDrop,
            net.sched.MqOps,
            net.sched.MqprioOps,
            net.sched.taprio.TaprioOps,
            net.sched.shape.TbfOps,
            net.sched.shape.HtbOps,
            net.sched.hfsc.HfscOps,
            net.sched.band.PrioOps,
            net.sched.band.MultiqOps,
            net.sched.band.DrrOps,
            net.sched.band.EtsOps,
            net.sched.cls.IngressOps.Ingress,
            net.sched.cls.IngressOps.Clsact,
            net.sched.aqm.CodelOps,
            net.sched.fair.FqCodelOps,
            net.sched.fair.FqOps,
            net.sched.netem.NetemOps,
            net.sched.cake.CakeOps,
            net.sched.aqm.PieOps,
            net.sched.aqm.RedOps,
            net.sched.fair.FqPieOps,
            net.sched.aqm.ChokeOps,
            net.sched.aqm.SfbOps,
            net.sched.PlugOps,
            net.sched.BlackholeOps,
            net.sched.fair.SfqOps,
            net.sched.fair.HhfOps,
            net.sched.aqm.DualPi2Ops,
            net.sched.aqm.GredOps,
            net.sched.band.SkbprioOps,
            net.sched.band.QfqOps,
            net.sched.shape.CbsOps,
            net.sched.shape.EtfOps;
}
