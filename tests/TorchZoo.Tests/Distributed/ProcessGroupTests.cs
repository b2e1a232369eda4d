using NUnit.Framework;
using TorchSharp;
using TorchZoo.Checkpoints;
using TorchZoo.Distributed;
using static TorchSharp.torch;

namespace TorchZoo.Tests.Distributed;

/// <summary>What can be said without other processes.</summary>
public class ProcessGroupTests
{
    [Test]
    public void AProcessAloneIsAGroupOfOne()
    {
        var group = ProcessGroup.Open(_ => null);
        Assert.That((group.Rank, group.Size, group.LocalRank, group.LocalSize, group.IsFirst), Is.EqualTo((0, 1, 0, 1, true)));
        CollectiveChecks.Run(group);
    }

    [Test]
    public void LaunchersAreRecognised()
    {
        Assert.Multiple(() =>
        {
            Assert.That(Of(("OMPI_COMM_WORLD_SIZE", "4"), ("OMPI_COMM_WORLD_RANK", "3"), ("OMPI_COMM_WORLD_LOCAL_RANK", "1"),
                ("OMPI_COMM_WORLD_LOCAL_SIZE", "2")),
                Is.EqualTo(new Launch(3, 4, 1, 2, true)));
            Assert.That(Of(("PMI_SIZE", "8"), ("PMI_RANK", "5"), ("SLURM_LOCALID", "1")), Is.EqualTo(new Launch(5, 8, 1, 0, false)));
            Assert.That(Of(("PMIX_RANK", "2"), ("SLURM_STEP_NUM_TASKS", "6")), Is.EqualTo(new Launch(2, 6, 0, 0, true)));
            // A batch script, which is no task of a step.
            Assert.That(Of(("SLURM_NTASKS", "6"), ("SLURM_PROCID", "0")), Is.Null);
            Assert.That(Of(("PMI_SIZE", "many"), ("PMI_RANK", "5")), Is.Null);
        });

        static Launch? Of(params (string Name, string Value)[] variables) =>
            Launch.Of(name => variables.FirstOrDefault(v => v.Name == name).Value);
    }

    [Test]
    public void ALaunchWithoutMpiIsExplained() => Assert.That(() => ProcessGroup.Open(name => name switch
    {
        "OMPI_COMM_WORLD_SIZE" => "2",
        MpiLibrary.Variable => "/there/is/no/such/libmpi.so",
        _ => null,
    }), Throws.InstanceOf<DllNotFoundException>().With.Message.Contains("/there/is/no/such/libmpi.so").And.Message.Contains("openmpi-bin"));

    [Test]
    public void OperationsRefuseNothing()
    {
        var group = ProcessGroup.Single;
        Assert.Multiple(() =>
        {
            Assert.That(() => group.AllReduce((Tensor)null!), Throws.ArgumentNullException);
            Assert.That(() => group.Broadcast(null!), Throws.ArgumentNullException);
            Assert.That(() => group.AllGather((Tensor)null!), Throws.ArgumentNullException);
            Assert.That(() => group.ReduceScatter(null!), Throws.ArgumentNullException);
        });
    }

    [TestCase(2)]
    [TestCase(4)]
    public void SyncBatchNormOfOneRankIsBatchNorm(int axes)
    {
        using var scope = NewDisposeScope();
        using var generator = new Generator(1);
        nn.Module<Tensor, Tensor> theirs = axes == 2 ? nn.BatchNorm1d(3, momentum: 0.3) : nn.BatchNorm2d(3, momentum: 0.3);
        theirs = nn.Sequential(("norm", theirs)).to(ScalarType.Float64);
        var ours = SyncBatchNorm.Convert(theirs);
        for (var i = 0; i < 3; i++)
        {
            var x = randn([5, 3, .. Enumerable.Repeat(4L, axes - 2)], ScalarType.Float64, generator: generator);
            var weights = randn_like(x);
            var results = new[] { ours, theirs }.Select(net =>
            {
                var input = x.clone().requires_grad_();
                (net.call(input) * weights).sum().backward();
                return input.grad!;
            }).ToList();
            Assert.That(results[0].allclose(results[1], 1e-10, 1e-10));
        }
        Assert.That(StateDict.Entries(ours).Select(e => e.Key), Is.EquivalentTo(StateDict.Entries(theirs).Select(e => e.Key)));
        foreach (var (our, their) in StateDict.Entries(ours).OrderBy(e => e.Key).Zip(StateDict.Entries(theirs).OrderBy(e => e.Key)))
            Assert.That(our.Stored.allclose(their.Stored, 1e-10, 1e-10), our.Key);
        foreach (var (our, their) in ours.parameters().Zip(theirs.parameters())) Assert.That(our.grad!.allclose(their.grad!, 1e-10, 1e-10));
        ours.eval();
        theirs.eval();
        var seen = randn([2, 3, .. Enumerable.Repeat(4L, axes - 2)], ScalarType.Float64, generator: generator);
        Assert.That(ours.call(seen).allclose(theirs.call(seen), 1e-12, 1e-12));
    }

    [Test]
    public void SyncBatchNormRefusesWhatItCannotNormalise()
    {
        using var scope = NewDisposeScope();
        var norm = new SyncBatchNorm(3);
        Assert.Multiple(() =>
        {
            Assert.That(() => norm.call(zeros(2, 4)), Throws.ArgumentException);
            Assert.That(() => norm.call(zeros(1, 3)), Throws.ArgumentException);
            Assert.That(() => new SyncBatchNorm(0), Throws.InstanceOf<ArgumentOutOfRangeException>());
            Assert.That(() => new SyncBatchNorm(1, momentum: 2), Throws.InstanceOf<ArgumentOutOfRangeException>());
            Assert.That(() => SyncBatchNorm.Convert(null!), Throws.ArgumentNullException);
        });
    }
}
