using System.Reflection;
using NUnit.Framework;
using TorchZoo.Models.Operators;
using TorchZoo.Testing;

namespace TorchZoo.Models.Tests;

/// <summary>Changes of either package's public API are deliberate.</summary>
public class PublicApiTests
{
    private static readonly Assembly[] Packages = [typeof(Zoo).Assembly, typeof(Fno).Assembly];

    private static IEnumerable<TestCaseData> Namespaces() =>
        Packages.SelectMany(a => ApprovedApi.Namespaces(a).Select(n => new TestCaseData(a, n).SetArgDisplayNames(n)));

    [TestCaseSource(nameof(Namespaces))]
    public void IsAsApproved(Assembly assembly, string name) => ApprovedApi.Check(assembly, name);

    [Test]
    public void NoApprovedNamespaceIsGone() => Assert.That(ApprovedApi.Files().Except(Packages.SelectMany(ApprovedApi.Namespaces)), Is.Empty);
}
