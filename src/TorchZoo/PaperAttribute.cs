namespace TorchZoo;

/// <summary>Marks the principal type of a paper. The namespace's last part names the family: <c>TorchZoo.Models.Operators.Fno</c> is in
/// Operators, and its folder is Operators/Fno.</summary>
/// <param name="slug">Short name, as on the command line: lower case, words joined by hyphens.</param>
/// <param name="title">The paper's title.</param>
/// <param name="arXiv">arXiv number, e.g. <c>2010.08895</c>.</param>
/// <param name="year">Year of the first version.</param>
[AttributeUsage(AttributeTargets.Class, Inherited = false)]
public sealed class PaperAttribute(string slug, string title, string arXiv, int year) : Attribute
{
    /// <summary>Short name, as on the command line.</summary>
    public string Slug => slug;

    /// <summary>The paper's title.</summary>
    public string Title => title;

    /// <summary>arXiv number.</summary>
    public string ArXiv => arXiv;

    /// <summary>Year of the first version.</summary>
    public int Year => year;
}
